//! `pollux config`: every setting with its meaning, its bounds, its default, its variable, and the value in effect.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{self, Environment, Flags, check_binds};
use crate::source::{Sources, render_text};

/// Print all settings: what they mean, what they take, their defaults and environment variables, and the values in effect.
///
/// The output is itself a pollux.toml that means the same. Settings with their default are commented out.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// The workspace.
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
}

/// Writes the settings to `out`, and what is wrong with them to `complaints`.
pub fn run(args: &ConfigArgs, out: &mut dyn Write, complaints: &mut dyn Write) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.workspace.is_dir(), "there is no folder {}", args.workspace.display());
    let mut sources = Sources::new();
    let loaded = config::load(&mut sources, &args.workspace, &Environment::of_process(), &Flags::default());
    write!(out, "{}", config::render_settings(&loaded, &sources))?;
    out.flush()?;
    write!(complaints, "{}", render_text(&sources, &loaded.problems, std::io::stderr().is_terminal()))?;
    if let Err(insecure) = check_binds(&loaded.config) {
        writeln!(complaints, "`pollux run` will refuse this: {insecure}")?;
    }
    Ok(if loaded.problems.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
