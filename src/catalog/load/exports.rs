//! What roll-ups ask of the types they go over, compiled in the terms of each of those.

use std::sync::Arc;

use crate::catalog::logic::Logic;
use crate::catalog::rolled::{Export, What};
use crate::expr::{Checked, Expect, Kind, Shape};
use crate::reading::SlotNo;
use crate::rollup::Agg;
use crate::source::{Diagnostic, Diagnostics, Node, codes};

use super::layouts::Types;
use super::logic::{Contribution, Expressions, TypeScope, Wanted};

/// Each type keeps what it contributes; whoever asks is not its concern.
pub(super) fn attach(types: &mut Types, wanted: &[Wanted<'_>], expressions: &mut Expressions, problems: &mut Diagnostics) {
    for wanted in wanted {
        let mut found = 0;
        let mut unfit = Diagnostics::new();
        let names: Vec<Arc<str>> = types.by_name.keys().cloned().collect();
        for name in names {
            let Some(entry) = types.by_name.get_mut(&name) else { continue };
            let is_named = wanted.types.is_empty() || wanted.types.iter().any(|wanted| entry.layout.is_a(wanted));
            if !is_named {
                continue;
            }
            let mut own = Diagnostics::new();
            if let Some(export) = export(wanted, entry, expressions, &mut own) {
                found += 1;
                // Nothing else holds the layout yet.
                let Some(layout) = Arc::get_mut(&mut entry.layout) else { continue };
                let logic: &mut Logic = Arc::make_mut(&mut layout.logic);
                let mut exports = std::mem::take(&mut logic.exports).into_vec();
                exports.push(export);
                logic.exports = exports.into();
            } else if unfit.is_empty() {
                unfit = own;
            }
        }
        // Without `types` those that do not have it are not meant; with them, all that are named are.
        let is_said = !wanted.types.is_empty();
        if (is_said || found == 0) && !unfit.is_empty() {
            problems.extend(unfit);
        } else if found == 0 && types.by_name.values().all(|entry| entry.is_whole()) {
            let span = wanted.types_node.map_or(wanted.span, |node| node.span);
            problems.push(Diagnostic::new(&codes::ROLLUP, span, format!("{} goes over no type", wanted.what)));
        }
    }
}

/// What expressions of other types read of these, subtypes included.
pub(super) fn push(types: &mut Types, contributions: Vec<Contribution>) {
    for (name, export) in contributions {
        for entry in types.by_name.values_mut().filter(|entry| entry.layout.is_a(&name)) {
            if let Some(layout) = Arc::get_mut(&mut entry.layout) {
                let logic: &mut Logic = Arc::make_mut(&mut layout.logic);
                if logic.exports.iter().all(|known| known.key != export.key) {
                    let mut exports = std::mem::take(&mut logic.exports).into_vec();
                    exports.push(export.clone());
                    logic.exports = exports.into();
                }
            }
        }
    }
}

fn export(wanted: &Wanted<'_>, entry: &super::layouts::Type, expressions: &mut Expressions, problems: &mut Diagnostics) -> Option<Export> {
    let mut read = |node: &Node, key: &str, expect: Expect<'_>, problems: &mut Diagnostics| {
        let mut scope = TypeScope::of(&entry.layout.name, &entry.layout.slots, entry.blanks());
        let what = format!("`{key}` of {}", wanted.what);
        let mut found = Diagnostics::new();
        let checked = expressions.read(node, &what, &mut scope, expect, &mut found);
        if !scope.met_blank {
            problems.extend(found);
        }
        checked
    };
    let filter = match wanted.filter {
        Some(node) => Some(read(node, "where", Expect::Condition("where"), problems)?),
        None => None,
    };
    let (of, conversion) = match (wanted.agg, wanted.of) {
        (Agg::WorstSeverity, _) => (What::Severity, None),
        (_, None) => (What::Presence, None),
        (agg, Some(node)) => {
            let checked = read(node, "of", Expect::Anything, problems)?;
            let conversion = fit(agg, &checked, wanted, node, problems)?;
            (What::Value(checked), conversion)
        }
    };
    let all = [if let What::Value(checked) = &of { Some(checked) } else { None }, filter.as_ref()];
    let slots = all
        .into_iter()
        .flatten()
        .flat_map(|checked| &checked.dependencies)
        .filter_map(|dependency| if let crate::expr::Operand::Slot(slot) = dependency.operand { Some(SlotNo(slot)) } else { None });
    let mut reads: Vec<SlotNo> = slots.collect();
    reads.sort_unstable();
    reads.dedup();
    Some(Export { key: wanted.key, of, filter, conversion, reads: reads.into() })
}

/// Numbers for sums, truths for `any` and `all`; in a unit that becomes that of the roll-up.
fn fit(
    agg: Agg,
    checked: &Checked,
    wanted: &Wanted<'_>,
    node: &Node,
    problems: &mut Diagnostics,
) -> Option<Option<crate::reading::unit::Conversion>> {
    let shape: &Shape = checked.shape();
    let wants_truth = matches!(agg, Agg::Any | Agg::All);
    let fits = match &shape.kind {
        Kind::Bool => wants_truth || agg == Agg::Count,
        Kind::Int | Kind::Double => !wants_truth,
        Kind::Duration | Kind::Text | Kind::Enum(_) | Kind::Timestamp => agg == Agg::Count,
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Geo | Kind::Any => agg == Agg::Count,
    };
    if !fits {
        let needs = if wants_truth { "true or false" } else { "a number" };
        problems.push(Diagnostic::new(&codes::ROLLUP, node.span, format!("{} needs {needs}; this is {shape}", wanted.what)));
        return None;
    }
    match (shape.unit(), &wanted.unit) {
        (Some(own), Some(unit)) if agg != Agg::Count => match own.conversion_to(unit) {
            Some(conversion) => Some(Some(conversion).filter(|conversion| !conversion.is_identity())),
            None => {
                let message = format!("{} is in {}, and this in {}", wanted.what, unit.symbol(), own.symbol());
                problems.push(Diagnostic::new(&codes::EXPR_UNITS, node.span, message));
                None
            }
        },
        (_, _) => Some(None),
    }
}
