//! `pollux check`: everything that is wrong with a workspace, at once.

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::catalog;
use crate::source::{Severity, render_json, render_text};

use super::workspace;

/// Check the files of a workspace: types, twins and bindings.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The folder that holds schemas/ and twins/.
    #[arg(default_value = ".")]
    pub workspace: PathBuf,
    /// How problems are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Fail on warnings, too.
    #[arg(long)]
    pub deny_warnings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

const USAGE: u8 = 2;

/// 0: clean, 1: errors (or warnings, where they are denied), 2: there is nothing to check.
pub fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let sources = match workspace::read(&args.workspace) {
        Ok(sources) => sources,
        Err(error) => {
            writeln!(out, "error: {error:#}")?;
            return Ok(ExitCode::from(USAGE));
        }
    };
    let (catalog, diagnostics) = catalog::load(&sources);
    match args.format {
        Format::Json => out.write_all(render_json(&sources, &diagnostics).as_bytes())?,
        Format::Text => {
            let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            out.write_all(render_text(&sources, &diagnostics, colour).as_bytes())?;
            if !diagnostics.has_errors() {
                let (types, twins, bindings) = (catalog.types.len(), catalog.twins.len(), catalog.bindings.len());
                let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
                writeln!(out, "no errors: {}, {}, {}", counted(types, "type"), counted(twins, "twin"), counted(bindings, "binding"))?;
            }
        }
    }
    let fails = diagnostics.has_errors() || (args.deny_warnings && diagnostics.count(Severity::Warning) > 0);
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
