//! GeoJSON geometries: longitude first, rings closed, nothing outside the globe.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::layout::GeoKind;
use crate::reading::{Raw, Value};

use super::Refusal;

/// The most positions of one geometry.
const POSITIONS_MAX: usize = 10_000;

/// Keeps `type` and `coordinates`; what else a sender adds (`bbox`, `crs`) says nothing that we store.
pub(super) fn geometry(kind: Option<GeoKind>, raw: Raw<'_>) -> Result<Value, Refusal> {
    let Raw::Structure(Json::Object(object)) = raw else { return Err(Refusal::wrong_type("a GeoJSON geometry", raw)) };
    let named = object.get("type").and_then(Json::as_str).unwrap_or_default();
    let Some((sent, name)) = KINDS.into_iter().find(|(_, name)| *name == named) else {
        return Err(geometry_refusal(format!("expected a GeoJSON geometry with a type of Point to MultiPolygon, got {raw}")));
    };
    if let Some((_, wanted)) = kind.and_then(|kind| KINDS.into_iter().find(|(own, _)| *own == kind && *own != sent)) {
        return Err(geometry_refusal(format!("expected a {wanted}, got a {name}")));
    }
    let Some(coordinates) = object.get("coordinates") else { return Err(geometry_refusal("`coordinates` is missing".to_owned())) };
    let mut positions = 0;
    let fits = match sent {
        GeoKind::Point => position(coordinates, &mut positions),
        GeoKind::MultiPoint => list(coordinates, 0, &mut positions, &position),
        GeoKind::LineString => line(coordinates, &mut positions),
        GeoKind::MultiLineString => list(coordinates, 0, &mut positions, &line),
        GeoKind::Polygon => polygon(coordinates, &mut positions),
        GeoKind::MultiPolygon => list(coordinates, 0, &mut positions, &polygon),
    };
    fits.map_err(geometry_refusal)?;
    Ok(Value::Json(Arc::new(json!({"type": name, "coordinates": coordinates}))))
}

const KINDS: [(GeoKind, &str); 6] = [
    (GeoKind::Point, "Point"),
    (GeoKind::LineString, "LineString"),
    (GeoKind::Polygon, "Polygon"),
    (GeoKind::MultiPoint, "MultiPoint"),
    (GeoKind::MultiLineString, "MultiLineString"),
    (GeoKind::MultiPolygon, "MultiPolygon"),
];

fn geometry_refusal(message: String) -> Refusal {
    Refusal { code: "GEOMETRY", message }
}

type Fits = Result<(), String>;

fn position(json: &Json, count: &mut usize) -> Fits {
    *count += 1;
    if *count > POSITIONS_MAX {
        return Err(format!("expected at most {POSITIONS_MAX} positions"));
    }
    let wrong = || format!("expected a position [longitude, latitude] or [longitude, latitude, altitude], got {}", Raw::from(json));
    let numbers: Vec<f64> = json.as_array().and_then(|items| items.iter().take(4).map(Json::as_f64).collect()).ok_or_else(wrong)?;
    let [longitude, latitude, ..] = *numbers.as_slice() else { return Err(wrong()) };
    if numbers.len() > 3 {
        return Err(wrong());
    }
    if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
        return Err(format!("{} lies outside the globe: longitude (-180 to 180) comes first, then latitude (-90 to 90)", Raw::from(json)));
    }
    Ok(())
}

fn list(json: &Json, items_min: usize, count: &mut usize, item: &dyn Fn(&Json, &mut usize) -> Fits) -> Fits {
    let items = json.as_array().filter(|items| items.len() >= items_min);
    let items = items.ok_or_else(|| format!("expected a list of at least {items_min}, got {}", Raw::from(json)))?;
    items.iter().try_for_each(|json| item(json, count))
}

fn line(json: &Json, count: &mut usize) -> Fits {
    list(json, 2, count, &position)
}

fn polygon(json: &Json, count: &mut usize) -> Fits {
    list(json, 1, count, &ring)
}

fn ring(json: &Json, count: &mut usize) -> Fits {
    list(json, 4, count, &position)?;
    let ends = json.as_array().and_then(|items| items.first().zip(items.last()));
    if ends.is_some_and(|(first, last)| same_position(first, last)) { Ok(()) } else { Err("a ring must end where it begins".to_owned()) }
}

/// `1` and `1.0` are one number here, though not to serde.
fn same_position(a: &Json, b: &Json) -> bool {
    let numbers = |json: &Json| json.as_array().map(|items| items.iter().map(Json::as_f64).collect::<Vec<_>>());
    numbers(a) == numbers(b)
}
