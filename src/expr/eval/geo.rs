//! Geometry on the globe: GeoJSON positions, longitude first.

use serde_json::Value as Json;

use super::super::datum::{Datum, Known, Why};

/// The mean radius of the earth, in metres (IUGG).
const EARTH_RADIUS: f64 = 6_371_008.771_4;

#[derive(Clone, Copy)]
struct Position {
    longitude: f64,
    latitude: f64,
}

/// Along the great circle of a sphere: off by half a percent at most.
pub(super) fn distance(from: &Datum, to: &Datum) -> Known<f64> {
    let (from, to) = (point(from)?, point(to)?);
    let radians = |degrees: f64| degrees * (std::f64::consts::PI / 180.0);
    let (north, south) = (radians(from.latitude), radians(to.latitude));
    let half_latitude = libm::sin((south - north) / 2.0);
    let half_longitude = libm::sin(radians(to.longitude - from.longitude) / 2.0);
    let haversine = half_latitude * half_latitude + libm::cos(north) * libm::cos(south) * half_longitude * half_longitude;
    Ok(2.0 * EARTH_RADIUS * libm::asin(haversine.sqrt().min(1.0)))
}

/// Whether a point lies inside of a polygon, or of one of several. Its border and its holes are outside.
pub(super) fn is_inside(inner: &Datum, area: &Datum) -> Known<bool> {
    let position = point(inner)?;
    let (kind, coordinates) = geometry(area)?;
    let polygons: Vec<&Json> = match kind {
        "Polygon" => vec![coordinates],
        "MultiPolygon" => coordinates.as_array().map(|all| all.iter().collect()).unwrap_or_default(),
        _ => return Err(Why::NotConvertible.into()),
    };
    for polygon in polygons {
        if is_inside_polygon(position, polygon)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_inside_polygon(position: Position, polygon: &Json) -> Known<bool> {
    let rings = polygon.as_array().ok_or(Why::NotConvertible)?;
    let mut is_inside = false;
    for (index, ring) in rings.iter().enumerate() {
        match side(position, ring)? {
            Side::Border => return Ok(false),
            Side::Inside if index == 0 => is_inside = true,
            Side::Inside => return Ok(false),
            Side::Outside if index == 0 => return Ok(false),
            Side::Outside => {}
        }
    }
    Ok(is_inside)
}

enum Side {
    Inside,
    Outside,
    Border,
}

/// A ray to the east crosses the border of what it starts inside of an odd number of times.
fn side(at: Position, ring: &Json) -> Known<Side> {
    let corners = ring.as_array().ok_or(Why::NotConvertible)?;
    let mut is_odd = false;
    for pair in corners.windows(2) {
        let (from, to) = (position(&pair[0])?, position(&pair[1])?);
        let cross = (to.longitude - from.longitude) * (at.latitude - from.latitude)
            - (to.latitude - from.latitude) * (at.longitude - from.longitude);
        let within = |value: f64, a: f64, b: f64| value >= a.min(b) && value <= a.max(b);
        if cross == 0.0 && within(at.longitude, from.longitude, to.longitude) && within(at.latitude, from.latitude, to.latitude) {
            return Ok(Side::Border);
        }
        if (from.latitude > at.latitude) != (to.latitude > at.latitude) {
            let is_left = if to.latitude > from.latitude { cross > 0.0 } else { cross < 0.0 };
            is_odd ^= is_left;
        }
    }
    Ok(if is_odd { Side::Inside } else { Side::Outside })
}

fn geometry(datum: &Datum) -> Known<(&str, &Json)> {
    let Datum::Json(json) = datum else { return Err(Why::NotConvertible.into()) };
    let kind = json.get("type").and_then(Json::as_str);
    kind.zip(json.get("coordinates")).ok_or_else(|| Why::NotConvertible.into())
}

fn point(datum: &Datum) -> Known<Position> {
    let (kind, coordinates) = geometry(datum)?;
    if kind == "Point" { position(coordinates) } else { Err(Why::NotConvertible.into()) }
}

fn position(coordinates: &Json) -> Known<Position> {
    let number = |index: usize| coordinates.get(index).and_then(Json::as_f64).ok_or(Why::NotConvertible);
    Ok(Position { longitude: number(0)?, latitude: number(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn geo(text: &str) -> Datum {
        Datum::Json(Arc::new(serde_json::from_str(text).unwrap()))
    }

    fn at(longitude: f64, latitude: f64) -> Datum {
        geo(&format!(r#"{{"type": "Point", "coordinates": [{longitude}, {latitude}]}}"#))
    }

    #[test]
    fn a_degree_of_latitude_is_sixty_miles() {
        assert!((distance(&at(8.0, 47.0), &at(8.0, 48.0)).unwrap() - 111_195.08).abs() < 0.01);
        assert_eq!(distance(&at(8.0, 47.0), &at(8.0, 47.0)), Ok(0.0));
        assert!((distance(&at(0.0, 0.0), &at(180.0, 0.0)).unwrap() - std::f64::consts::PI * EARTH_RADIUS).abs() < 1e-6);
    }

    #[test]
    fn borders_and_holes_are_outside() {
        let area = geo(r#"{"type": "Polygon", "coordinates": [[[0,0],[4,0],[4,4],[0,4],[0,0]], [[1,1],[2,1],[2,2],[1,2],[1,1]]]}"#);
        for (longitude, latitude, inside) in [
            (3.0, 3.0, true),
            (0.5, 1.0, true),
            (1.5, 1.5, false),
            (1.0, 1.5, false),
            (4.0, 2.0, false),
            (0.0, 0.0, false),
            (5.0, 2.0, false),
            (-1.0, 4.0, false),
        ] {
            assert_eq!(is_inside(&at(longitude, latitude), &area), Ok(inside), "{longitude} {latitude}");
        }
        assert!(is_inside(&area, &area).is_err());
    }
}
