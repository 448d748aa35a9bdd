//! `TwinType`: the types of the workspace, for clients that build their views from them.

use std::sync::Arc;

use super::issue::Issue;
use super::twin::{kind_name, session};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::session::Session;
use crate::catalog::layout::{Field, Leaf, Member, RelationRule, Section, SlotSpec, Sync, Targets, ValueType};
use crate::catalog::{Catalog, Layout};
use crate::reading::format_duration;
use crate::reading::unit::{Conversion, Unit};

/// A type of the catalog, or the form of it that a twin still has.
#[derive(Debug, Clone)]
pub struct TypeNode(pub Arc<Layout>);

impl TypeNode {
    /// The type as the catalog has it now: relatives are looked up there.
    fn relatives(&self, ctx: &RequestContext, wanted: impl Fn(&Layout) -> bool) -> Out {
        let Ok(session) = ctx.services::<Session>() else { return Out::List(Vec::new()) };
        Out::objects(session.services.catalog.types.iter().filter(|layout| wanted(layout)).cloned().map(TypeNode))
    }
}

/// Numbers that a member keeps to, in the unit of the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// `None` where the type sets none.
pub fn limits(spec: &SlotSpec, conversion: Option<&Conversion>) -> Option<Limits> {
    let constraints = &spec.constraints;
    let convert = |number: Option<f64>| number.map(|number| conversion.map_or(number, |conversion| conversion.apply(number)));
    let min = convert(constraints.min.or(constraints.exclusive_min));
    let max = convert(constraints.max.or(constraints.exclusive_max));
    (min.is_some() || max.is_some()).then_some(Limits { min, max })
}

/// A member, or a property of a relation.
#[derive(Debug, Clone)]
enum Definition {
    Member { layout: Arc<Layout>, member: usize },
    Edge(Box<Field>),
}

impl Definition {
    fn name(&self) -> &str {
        match self {
            Definition::Member { layout, member } => &layout.members[*member].name,
            Definition::Edge(field) => &field.name,
        }
    }

    fn member(&self) -> Option<(&Layout, &Member)> {
        match self {
            Definition::Member { layout, member } => layout.members.get(*member).map(|member| (&**layout, member)),
            Definition::Edge(_) => None,
        }
    }

    fn spec(&self) -> Option<&SlotSpec> {
        let (layout, member) = self.member()?;
        layout.slots.get(usize::from(member.slots.start))
    }

    fn leaf(&self) -> Option<&Leaf> {
        match self {
            Definition::Edge(field) => Some(&field.value),
            Definition::Member { .. } => None,
        }
    }

    fn value_type(&self) -> Option<&ValueType> {
        self.leaf().map(|leaf| &leaf.value_type).or_else(|| self.member().map(|(_, member)| &member.value_type))
    }

    fn unit(&self) -> Option<&Unit> {
        self.leaf().map_or_else(|| self.spec().and_then(|spec| spec.unit.as_ref()), |leaf| leaf.unit.as_ref())
    }

    fn section(&self) -> Option<Section> {
        self.member().map(|(_, member)| member.section)
    }

    fn origin(&self) -> &'static str {
        let rules = self.spec().and_then(|spec| spec.property.as_ref());
        match rules {
            _ if self.section() == Some(Section::Telemetry) => "MEASURED",
            _ if self.section() == Some(Section::Computed) => "COMPUTED",
            Some(rules) if rules.sync == Sync::Reported => "MEASURED",
            Some(rules) if rules.default.is_some() => "DEFAULT",
            Some(_) | None => "MANUAL",
        }
    }

    fn is_required(&self) -> bool {
        match self {
            Definition::Edge(field) => field.required,
            Definition::Member { .. } => self.spec().and_then(|spec| spec.property.as_ref()).is_some_and(|rules| rules.required),
        }
    }

    fn is_writable(&self) -> bool {
        match self {
            Definition::Edge(_) => true,
            Definition::Member { .. } => {
                let rules = self.spec().and_then(|spec| spec.property.as_ref());
                rules.is_some_and(|rules| rules.sync != Sync::Reported && !rules.immutable)
            }
        }
    }

    /// Where another type declared it.
    fn inherited_from(&self) -> Option<String> {
        let (layout, member) = self.member()?;
        (member.declared_by != layout.name).then(|| member.declared_by.to_string())
    }
}

/// What is written in `type:`.
fn data_type(value_type: &ValueType) -> String {
    match value_type {
        ValueType::Bool => "bool".to_owned(),
        ValueType::Int => "int".to_owned(),
        ValueType::Double => "double".to_owned(),
        ValueType::Decimal => "decimal".to_owned(),
        ValueType::String => "string".to_owned(),
        ValueType::Timestamp => "timestamp".to_owned(),
        ValueType::Date => "date".to_owned(),
        ValueType::Time => "time".to_owned(),
        ValueType::Duration => "duration".to_owned(),
        ValueType::Enum(_) => "enum".to_owned(),
        ValueType::Geo(_) => "geo".to_owned(),
        ValueType::Bytes { .. } => "bytes".to_owned(),
        ValueType::Unit { .. } => "unit".to_owned(),
        ValueType::Json => "json".to_owned(),
        ValueType::Object(_) => "object".to_owned(),
        ValueType::Array(array) => format!("array of {}", data_type(&array.items.value_type)),
        ValueType::Map(map) => format!("map of {}", data_type(&map.entries.value_type)),
    }
}

#[derive(Debug, Clone)]
struct RelationDef {
    rule: RelationRule,
    properties: Arc<[Field]>,
}

impl RelationDef {
    fn of(rule: &RelationRule, catalog: &Catalog) -> RelationDef {
        let properties = catalog.relations.get(usize::from(rule.relation)).map(|relation| Arc::from(&*relation.properties));
        RelationDef { rule: rule.clone(), properties: properties.unwrap_or_default() }
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<TypeNode>("TwinType", "A type of the workspace.")
        .implements("Node")
        .value("id", "ID!", "", |ty, _| format!("type/{}", ty.0.name))
        .value("name", "String!", "As the modeller wrote it.", |ty, _| ty.0.name.to_string())
        .field("graphqlName", "String", "What its twins are called in this view; null where the view does not generate it.")
        .now(|ty, _, ctx| {
            let plan = session(ctx)?.plan();
            Ok(plan.type_plan(&ty.0.name).map(|plan| plan.output().to_string()).into())
        })
        .value("version", "String!", "", |ty, _| format!("{}.{}", ty.0.version.major, ty.0.version.minor))
        .value("kind", "TwinKind!", "", |ty, _| kind_name(ty.0.kind))
        .value("title", "String", "", |ty, _| ty.0.title.clone())
        .value("description", "String", "", |ty, _| ty.0.description.clone())
        .value("abstract", "Boolean!", "Whether only its subtypes have twins.", |ty, _| ty.0.is_abstract)
        .value("icon", "String", "", |ty, _| ty.0.icon.clone())
        .value("extends", "[TwinType!]!", "The type it extends, then that one's, and so on.", |ty, ctx| {
            let Ok(session) = ctx.services::<Session>() else { return Out::List(Vec::new()) };
            Out::objects(ty.0.ancestors.iter().filter_map(|name| session.services.catalog.layout(name)).cloned().map(TypeNode))
        })
        .value("subtypes", "[TwinType!]!", "The types that extend it directly.", |ty, ctx| {
            ty.relatives(ctx, |other| other.ancestors.first() == Some(&ty.0.name))
        })
        .value("properties", "[PropertyDef!]!", "Properties and telemetry, inherited ones first.", |ty, _| {
            Out::objects((0..ty.0.members.len()).map(|member| Definition::Member { layout: ty.0.clone(), member }))
        })
        .value("relations", "[RelationDef!]!", "The relations that begin at its twins, inherited ones included.", |ty, ctx| {
            let Ok(session) = ctx.services::<Session>() else { return Out::List(Vec::new()) };
            Out::objects(ty.0.relations.iter().map(|rule| RelationDef::of(rule, &session.services.catalog)))
        })
        .field("instanceCount", "Int!", "Twins of exactly this type.")
        .now(|ty, _, ctx| Ok(session(ctx)?.instances(&ty.0.name).into()))
        .field("diagnostics", "[Issue!]!", "What is not as it should be with it in this view.")
        .now(|ty, _, ctx| {
            let issues = &session(ctx)?.services.schema.issues;
            let is_about = |issue: &&Issue| issue.path.as_ref().and_then(|path| path.first()).is_some_and(|first| **first == *ty.0.name);
            Ok(Out::objects(issues.iter().filter(is_about).cloned()))
        });
    definition(schema);
    schema
        .object::<RelationDef>("RelationDef", "What a type says about its outgoing edges of one relation.")
        .value("name", "String!", "", |relation, _| relation.rule.name.to_string())
        .value("graphqlName", "String!", "The field of the type's twins.", |relation, _| relation.rule.name.to_string())
        .value("target", "[String!]!", "The types it may lead to, subtypes included; empty: any.", |relation, _| match &relation.rule.to {
            Targets::Any => Out::List(Vec::new()),
            Targets::Types(types) => Out::list(types.iter().map(|target| target.name.to_string())),
        })
        .value("min", "Int!", "", |relation, _| relation.rule.min as usize)
        .value("max", "Int", "Null: as many as one likes.", |relation, _| relation.rule.max.map(|max| max as usize))
        .value("properties", "[PropertyDef!]!", "What each edge carries.", |relation, _| {
            Out::objects(relation.properties.iter().cloned().map(|field| Definition::Edge(Box::new(field))))
        });
}

fn definition(schema: &mut SchemaBuilder) {
    schema
        .object::<Limits>("Limits", "Numbers that a value keeps to, in its unit.")
        .value("min", "Float", "Below it a value is BAD or refused.", |limits, _| limits.min)
        .value("max", "Float", "Above it a value is BAD or refused.", |limits, _| limits.max);
    schema
        .object::<Definition>("PropertyDef", "A property or telemetry of a type, or a property of a relation.")
        .value("name", "String!", "", |def, _| def.name().to_owned())
        .value("graphqlName", "String!", "The field of the type's twins.", |def, _| def.name().to_owned())
        .value("origin", "Origin!", "Where its values come from, as far as the type says.", |def, _| def.origin())
        .value("dataType", "String!", "As written in `type:`.", |def, _| def.value_type().map(data_type).unwrap_or_default())
        .value("unit", "String", "", |def, _| def.unit().map(|unit| unit.symbol().to_owned()))
        .value("dimension", "String", "The kind of quantity: `Temperature`.", |def, _| {
            def.unit().and_then(|unit| unit.kinds().next()).map(str::to_owned)
        })
        .value("values", "[String!]", "Of an enum.", |def, _| match def.value_type() {
            Some(ValueType::Enum(values)) => Some(Out::list(values.iter().map(|value| value.name.to_string()))),
            Some(_) | None => None,
        })
        .value("limits", "Limits", "What a value must keep to.", |def, _| {
            def.spec().and_then(|spec| limits(spec, None)).map_or(Out::Null, Out::object)
        })
        .value("required", "Boolean!", "Whether a twin cannot be without it.", |def, _| def.is_required())
        .value("writable", "Boolean!", "Whether mutations may change it.", |def, _| def.is_writable())
        .value("staleAfter", "Duration", "The age at which a reading is stale.", |def, _| {
            let stale = def.spec().and_then(|spec| spec.telemetry.as_ref()).and_then(|rules| rules.stale);
            stale.map(|stale| format_duration(i64::try_from(stale.as_micros()).unwrap_or(i64::MAX)))
        })
        .value("inheritedFrom", "String", "The type that declares it, where that is another.", |def, _| def.inherited_from())
        .value("description", "String", "", |def, _| def.member().and_then(|(_, member)| member.description.clone()));
}
