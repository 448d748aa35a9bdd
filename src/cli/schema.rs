//! `pollux schema`: the GraphQL schema of a workspace, without running it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::api::{names, revision};
use crate::app::choice;
use crate::app::workspace::{self, Loaded};
use crate::catalog::Catalog;
use crate::config::{Environment, Flags};
use crate::source::render_text;

/// The GraphQL schema that a workspace gives.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SchemaCommand {
    Print(PrintArgs),
}

/// Print the schema in the schema definition language.
///
/// A running Pollux serves the same text at /graphql/schema.graphql.
#[derive(Debug, clap::Args)]
pub struct PrintArgs {
    /// The workspace: the folder with schemas/ and twins/.
    #[arg(default_value = ".")]
    pub workspace: PathBuf,
    /// Only what is there whatever the types are.
    #[arg(long, conflicts_with = "view")]
    pub core: bool,
    /// A view of [graphql.views] instead of the default one.
    #[arg(long, value_name = "NAME")]
    pub view: Option<String>,
}

pub fn run(args: &SchemaArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.command {
        SchemaCommand::Print(args) => {
            out.write_all(print(args)?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub fn print(args: &PrintArgs) -> anyhow::Result<String> {
    if args.core {
        return sdl(&Catalog::default(), &BTreeSet::new());
    }
    let Loaded { sources, catalog, config, problems } = workspace::load(&args.workspace, &Environment::of_process(), &Flags::default())?;
    if problems.has_errors() {
        bail!("the workspace has errors\n{}", render_text(&sources, &problems, false));
    }
    let choice = choice(&config);
    let types = match &args.view {
        None => revision::default_types(&catalog, &choice, &mut Vec::new()).map_err(|issues| told(&issues))?,
        Some(name) => {
            let view = choice.views.iter().find(|(known, _)| known == name);
            let (_, patterns) = view.with_context(|| format!("there is no view `{name}` in pollux.toml"))?;
            names::select(&catalog, patterns).map_err(|problems| anyhow::anyhow!("{}", lines(&problems)))?
        }
    };
    sdl(&catalog, &types)
}

fn sdl(catalog: &Catalog, types: &BTreeSet<Arc<str>>) -> anyhow::Result<String> {
    let plan = names::plan(catalog, types).map_err(|clashes| anyhow::anyhow!("{}", lines(&clashes)))?;
    let built = revision::declare(catalog, &Arc::new(plan)).build().map_err(|problems| anyhow::anyhow!("{}", problems.join("\n")))?;
    Ok(built.sdl)
}

fn told(issues: &[crate::api::types::issue::Issue]) -> anyhow::Error {
    let messages: Vec<&str> = issues.iter().map(|issue| issue.message.as_str()).collect();
    anyhow::anyhow!("{}", messages.join("\n"))
}

fn lines(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
