//! The table of units, read once from `units.tsv` (one row per unit; the notes at its head say where the figures come from).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::dimension::Dimension;
use super::ratio::Ratio;
use super::{Definition, Scale, Unit, exact};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
    Table::read(include_str!("units.tsv")).expect("units.tsv is well formed")
});

/// Differences of temperatures: the table has points only, and kelvin, which is both.
const DIFFERENCES: [(&str, &str, &str, &str); 2] =
    [("deltaDegreeCelsius", "deltaDegC", "Δ°C", "1"), ("deltaDegreeFahrenheit", "deltaDegF", "Δ°F", "5/9")];

pub(super) struct Table {
    /// In the order of the file.
    pub(super) units: Vec<Unit>,
    /// By symbol, name and alias.
    by_text: HashMap<Box<str>, Unit>,
}

pub(super) fn table() -> &'static Table {
    &TABLE
}

impl Table {
    fn read(text: &str) -> Option<Table> {
        let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
        let mut units: Vec<Unit> = rows.map(row).collect::<Option<_>>()?;
        for (name, symbol, alias, factor) in DIFFERENCES {
            units.push(Unit(Arc::new(Definition {
                symbol: symbol.into(),
                name: name.into(),
                aliases: Box::new([alias.into()]),
                kinds: Box::default(),
                dimension: Dimension::parse("K")?,
                factor: Some(Ratio::parse(factor)?),
                factor_rounded: Ratio::parse(factor)?.to_f64(),
                scale: Scale::Difference,
            })));
        }
        let mut by_text = HashMap::new();
        for unit in &units {
            for text in unit.texts() {
                // Some are called by their symbol (`bar`); two units of one name would be a slip in the file.
                if by_text.insert(text.into(), unit.clone()).is_some_and(|earlier| earlier != *unit) {
                    return None;
                }
            }
        }
        Some(Table { units, by_text })
    }

    pub(super) fn get(&self, text: &str) -> Option<&Unit> {
        self.by_text.get(text)
    }
}

fn row(line: &str) -> Option<Unit> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, symbol, aliases, _, kinds, si, factor, offset] = *columns.as_slice() else { return None };
    let dimension = Dimension::parse(si)?;
    let factor = Ratio::parse(stated(exact::FACTORS, name).unwrap_or(factor))?;
    let offset = Ratio::parse_offset(stated(exact::OFFSETS, name).unwrap_or(offset))?;
    let scale = match (dimension.is_temperature(), symbol) {
        (false, _) => Scale::Plain,
        (true, "K") => Scale::PointOrDifference,
        (true, _) => Scale::Point { offset },
    };
    let words = |text: &str| text.split_whitespace().map(Box::from).collect();
    Some(Unit(Arc::new(Definition {
        symbol: symbol.into(),
        name: name.into(),
        aliases: words(aliases),
        kinds: words(kinds),
        dimension,
        factor: Some(factor),
        factor_rounded: factor.to_f64(),
        scale,
    })))
}

fn stated(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(stated, _)| *stated == name).map(|(_, text)| *text)
}
