//! The types of a view: which are objects and which interfaces, their root fields and what comes with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;

use crate::catalog::{Catalog, Layout};

use super::claims::{Claims, RootClaims, RootClash};
use super::fields::{self, distinct};
use super::plan::{FieldPlan, Helpers, Name, Roots, SortBy, TypePlan, ViewPlan};
use super::relations;
use super::text::{plural, root_field};
use super::values::Values;

/// Fields of every payload.
const PAYLOAD_FIELDS: &[&str] = &["seq", "userErrors"];

/// Names everything that these types give. They must be complete, as [`super::select`] leaves them.
pub fn plan(catalog: &Catalog, chosen: &BTreeSet<Arc<str>>) -> Result<ViewPlan, Vec<RootClash>> {
    let mut layouts: Vec<&Arc<Layout>> = catalog.types.iter().filter(|layout| chosen.contains(&layout.name)).collect();
    layouts.sort_by_key(|layout| (layout.ancestors.len(), layout.name.clone()));
    let by_type: HashMap<Arc<str>, usize> = layouts.iter().enumerate().map(|(index, layout)| (layout.name.clone(), index)).collect();
    let words = root_words(&layouts)?;
    let mut naming = Naming { catalog, chosen, claims: Claims::new(by_type.keys()), roots: words.claims, values: Values::default() };
    let mut types: Vec<TypePlan> = Vec::with_capacity(layouts.len());
    for (layout, (one, many)) in layouts.iter().zip(words.of) {
        let parent = layout.ancestors.first().and_then(|parent| by_type.get(parent)).copied();
        let plan = naming.type_plan(layout, parent, parent.map(|parent| &types[parent]), one, many);
        types.push(plan);
    }
    let Naming { mut claims, mut values, .. } = naming;
    let connections = relations::plan(catalog, &mut types, &by_type, &mut claims, &mut values);
    let fallback = claims.take("Other", "Twin");
    let Values { enums, objects, units, settings, .. } = values;
    Ok(ViewPlan { types, enums, objects, units, connections, settings, fallback, by_type })
}

/// The root fields for one and for many twins of each type.
struct Words {
    of: Vec<(Name, Name)>,
    claims: RootClaims,
}

fn root_words(layouts: &[&Arc<Layout>]) -> Result<Words, Vec<RootClash>> {
    let mut claims = RootClaims::new();
    let mut clashes = Vec::new();
    let mut words = Vec::with_capacity(layouts.len());
    for layout in layouts {
        let one = root_field(&layout.name);
        let many = plural(&one);
        match (claims.twins(one, &layout.name), claims.twins(many, &layout.name)) {
            (Ok(one), Ok(many)) => words.push((one, many)),
            (one, many) => clashes.extend(one.err().into_iter().chain(many.err())),
        }
    }
    if clashes.is_empty() { Ok(Words { of: words, claims }) } else { Err(clashes) }
}

struct Naming<'a> {
    catalog: &'a Catalog,
    chosen: &'a BTreeSet<Arc<str>>,
    claims: Claims,
    roots: RootClaims,
    values: Values,
}

impl Naming<'_> {
    fn type_plan(&mut self, layout: &Arc<Layout>, parent: Option<usize>, base: Option<&TypePlan>, one: Name, many: Name) -> TypePlan {
        let name = &layout.name;
        let (has_subtypes, has_others) = self.heirs(name);
        let interface = match (layout.is_abstract, has_subtypes) {
            (true, _) => Some(name.clone()),
            (false, true) => Some(self.claims.take("Any", name)),
            (false, false) => None,
        };
        let inherited = base.map(|base| base.interfaces.as_slice()).unwrap_or_default();
        let fields = fields::plan(layout, base, &mut self.claims, &mut self.values);
        let groups = chosen_fields(&fields, &[], |field| field.is_groupable);
        let unsets = chosen_fields(&fields, &[], |field| field.write.is_some_and(|write| write.is_optional && !write.is_immutable));
        let roots = self.roots(layout, one, many);
        let helpers = self.helpers(layout, &roots.one, !groups.is_empty(), !unsets.is_empty());
        TypePlan {
            parent,
            object: (!layout.is_abstract).then(|| name.clone()),
            fallback: (layout.is_abstract && has_others).then(|| self.claims.take("Other", name)),
            interfaces: interface.iter().chain(inherited).cloned().collect(),
            interface,
            sorts: sorts(&fields),
            stats: chosen_fields(&fields, &["keys", "count"], |field| field.has_stats),
            groups,
            unsets,
            roots,
            helpers,
            fields,
            relations: Vec::new(),
            layout: layout.clone(),
        }
    }

    /// Whether there are subtypes in the view, and such (not abstract) outside of it.
    fn heirs(&self, name: &Arc<str>) -> (bool, bool) {
        let heirs = || self.catalog.types.iter().filter(|layout| layout.ancestors.contains(name));
        let inside = heirs().any(|layout| self.chosen.contains(&layout.name));
        (inside, heirs().any(|layout| !layout.is_abstract && !self.chosen.contains(&layout.name)))
    }

    fn roots(&mut self, layout: &Layout, one: Name, many: Name) -> Roots {
        let name = &layout.name;
        // `updateHTTPPumps`: the type's own spelling, in the plural.
        let names = plural(name);
        Roots {
            aggregate: self.roots.query(&many, "Aggregate", name),
            create: (!layout.is_abstract).then(|| self.roots.mutation("create", name)),
            update: self.roots.mutation("update", name),
            update_many: self.roots.mutation("update", &names),
            one,
            many,
        }
    }

    fn helpers(&mut self, layout: &Layout, root: &Name, has_groups: bool, has_unsets: bool) -> Helpers {
        let name = &*layout.name;
        let claims = &mut self.claims;
        let is_taken = PAYLOAD_FIELDS.contains(&&**root);
        Helpers {
            connection: claims.take(name, "Connection"),
            edge: claims.take(name, "Edge"),
            filter: claims.take(name, "Where"),
            list_filter: claims.take(name, "ListWhere"),
            sort: claims.take(name, "Sort"),
            sort_field: claims.take(name, "SortField"),
            group_by: claims.take(name, "GroupBy"),
            group_field: has_groups.then(|| claims.take(name, "GroupField")),
            patch: claims.take(name, "Patch"),
            unset: has_unsets.then(|| claims.take(name, "Unset")),
            payload: claims.take(name, "Payload"),
            payload_field: if is_taken { Arc::from(format!("{root}_")) } else { root.clone() },
            aggregate: claims.take(name, "Aggregate"),
            frame: claims.take(name, "Frame"),
            create_input: (!layout.is_abstract).then(|| claims.take(&format!("Create{name}"), "Input")),
        }
    }
}

fn sorts(fields: &[FieldPlan]) -> Vec<(Name, SortBy)> {
    let own = [("ID", SortBy::Id), ("NAME", SortBy::Name), ("UPDATED_AT", SortBy::UpdatedAt), ("LAST_SEEN", SortBy::LastSeen)];
    let reserved: Vec<&str> = own.iter().map(|(name, _)| *name).collect();
    let chosen = chosen_fields(fields, &reserved, |field| field.is_sortable);
    let own = own.into_iter().map(|(name, by)| (Arc::from(name), by));
    own.chain(chosen.into_iter().map(|(name, field)| (name, SortBy::Field(field)))).collect()
}

/// Fields as names of one list, apart from those it has already and from each other.
fn chosen_fields(fields: &[FieldPlan], reserved: &[&str], is_meant: impl Fn(&FieldPlan) -> bool) -> Vec<(Name, usize)> {
    let meant: Vec<usize> = (0..fields.len()).filter(|index| is_meant(&fields[*index])).collect();
    let names = distinct(meant.iter().map(|index| &*fields[*index].name), reserved);
    names.into_iter().zip(meant).collect()
}
