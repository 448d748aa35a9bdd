//! `publishTypes`: an edit of types, as if their files had been edited, and answered when it is in force.

use std::sync::Arc;

use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::publish::{Published, SOURCES_MAX};
use crate::api::request::Role;
use crate::api::types::issue::Issue;
use crate::api::types::payload::{self, Payload};
use crate::api::types::system::SchemaRevision;
use crate::api::types::twin::session;
use crate::api::types::twin_type::TypeNode;
use crate::catalog::Layout;

/// Made of the published types.
#[derive(Debug, Clone)]
struct TypesResult {
    types: Vec<Arc<Layout>>,
    schema: SchemaRevision,
    issues: Vec<Issue>,
}

const PUBLISH: &str = "Creates or replaces types: each source is the text of a file of `schemas/`, and is written there. All of them count or none; \
                       what is wrong is told with its line. Answered when twins and schema follow them.";

pub(super) fn declare(schema: &mut SchemaBuilder) {
    payload::object::<TypesResult>(schema, "TypesPayload", "What came of a publication of types.")
        .value("types", "[TwinType!]!", "In the order of the sources. Of a dry run: as they would be.", |payload, _| {
            Out::objects(payload.what.types.iter().cloned().map(TypeNode))
        })
        .value("issues", "[Issue!]!", "Of a dry run: the `tests:` of the types that fail.", |payload, _| {
            Out::objects(payload.what.issues.iter().cloned())
        })
        .value("schema", "SchemaRevision!", "The schema that is in force now.", |payload, _| Out::object(payload.what.schema.clone()));
    schema
        .mutation()
        .field("publishTypes", "TypesPayload!", PUBLISH)
        .arg("sources", "[String!]!")
        .arg("dryRun", "Boolean = false")
        .arg_doc("Only checks them, and runs their tests.")
        .resolve(|_, args, ctx| async move { publish(&ctx, &args).await.map(Out::object) })
        .role(Role::Modeller);
}

async fn publish(ctx: &RequestContext, args: &Args) -> Result<Payload<TypesResult>, ApiError> {
    let session = session(ctx)?;
    let sources: Vec<String> = args.texts("sources").unwrap_or_default().into_iter().map(str::to_owned).collect();
    if sources.len() > SOURCES_MAX {
        let message = format!("{} types; at most {SOURCES_MAX} are published at once", sources.len());
        return Err(ApiError::limit("types_published_max", SOURCES_MAX as u64, message).hint("publish them in several mutations"));
    }
    let dry_run = args.boolean("dryRun").unwrap_or(false);
    let lasting = &session.services.lasting;
    let Some(publisher) = lasting.publisher.get().and_then(std::sync::Weak::upgrade) else {
        return Err(ApiError::new(Code::Unavailable, "the workspace is being closed"));
    };
    let published = publisher.publish(sources, dry_run).await;
    let schema = || SchemaRevision::clone(&lasting.schema_changes.borrow());
    Ok(match published {
        Ok(Published { types, issues, .. }) if dry_run => {
            Payload { seq: None, errors: Vec::new(), what: TypesResult { types, schema: schema(), issues } }
        }
        Ok(Published { types, seq, issues }) => Payload::done(seq, TypesResult { types, schema: schema(), issues }),
        Err(errors) => Payload::refused(errors, TypesResult { types: Vec::new(), schema: schema(), issues: Vec::new() }),
    })
}
