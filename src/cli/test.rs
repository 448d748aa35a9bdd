//! `pollux test`: the `tests:` of the types, each on a twin of its own and a virtual clock.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::workspace::{self, Loaded};
use crate::backtest::{tell, try_out};
use crate::config::{Environment, Flags};
use crate::source::render_text;

/// Run the tests that stand beside the rules of the types.
///
/// Nothing live is touched. A test runs on a twin of its own; its clock begins at 2026-01-01T00:00:00Z, a Thursday.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Only tests whose type or name contains this.
    pub filter: Option<String>,
    /// The folder that holds schemas/ and twins/.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,
}

/// 0: all pass, 1: some fail, none is meant, or the workspace has errors.
pub fn run(args: &TestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let Loaded { sources, catalog, problems, .. } = workspace::load(&args.workspace, &Environment::of_process(), &Flags::default())?;
    if problems.has_errors() {
        out.write_all(render_text(&sources, &problems, false).as_bytes())?;
        return Ok(ExitCode::FAILURE);
    }
    let filter = args.filter.as_deref().unwrap_or_default();
    let is_meant = |example: &&crate::catalog::Example| format!("{}: {}", example.layout.name, example.name).contains(filter);
    if !filter.is_empty() && !catalog.examples.iter().any(|example| is_meant(&example)) {
        writeln!(out, "none of the {} tests has `{filter}` in its type or name", catalog.examples.len())?;
        return Ok(ExitCode::FAILURE);
    }
    let attempts: Vec<_> = catalog.examples.iter().filter(is_meant).map(try_out).collect();
    out.write_all(tell(&attempts, &sources).as_bytes())?;
    let passed = attempts.iter().all(|attempt| attempt.failures.is_empty());
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
