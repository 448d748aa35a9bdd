//! Types that nothing uses: a warning, since an API may still make twins of them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalog::binding::{Binding, UnknownTwin};
use crate::catalog::layout::Targets;
use crate::source::{Diagnostic, Diagnostics, codes};

use super::files::Files;
use super::layouts::Types;
use super::twin::Twins;

pub(super) fn warn(types: &Types, twins: &Twins, bindings: &[Arc<Binding>], files: &Files, problems: &mut Diagnostics) {
    // A workspace of types alone is a library; and what cannot be read may use anything.
    if twins.specs.is_empty() || files.twins_broken || types.any_unknown() {
        return;
    }
    let mut used: HashSet<&str> = twins.specs.iter().map(|spec| &*spec.layout.name).collect();
    for entry in types.by_name.values() {
        used.extend(entry.layout.ancestors.iter().map(|ancestor| &**ancestor));
        for rule in &entry.layout.relations {
            if let Targets::Types(targets) = &rule.to {
                used.extend(targets.iter().map(|target| &*target.name).filter(|target| **target != *entry.layout.name));
            }
        }
    }
    used.extend(bindings.iter().filter_map(|binding| match &binding.unknown_twin {
        UnknownTwin::Provision { type_name, .. } => Some(&**type_name),
        UnknownTwin::Reject | UnknownTwin::Quarantine => None,
    }));
    for (name, entry) in &types.by_name {
        // Twins whose own entry is wrong count all the same.
        if !used.contains(&**name) && !problems.has_errors() {
            problems.push(Diagnostic::new(&codes::UNUSED_TYPE, entry.span, format!("nothing uses the type `{name}`")));
        }
    }
}
