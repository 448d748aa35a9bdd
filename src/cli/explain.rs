//! `pollux explain CODE`: what a diagnostic means, an example, and what to do.

use std::io::Write;
use std::process::ExitCode;

use crate::source::{codes, did_you_mean};

use super::USAGE;

/// Explain the code of a diagnostic, as in `pollux explain E204`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The code; without one all codes are listed.
    pub code: Option<String>,
}

pub fn run(args: &ExplainArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let Some(id) = &args.code else {
        for code in codes::TABLE {
            writeln!(out, "{}  {}", code.id, code.title)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(code) = codes::find(id) else {
        let near = did_you_mean(id, codes::TABLE.iter().map(|code| code.id));
        let near = near.map(|code| format!("; did you mean {code}?")).unwrap_or_default();
        writeln!(out, "error: there is no code `{id}`{near} (`pollux explain` lists them all)")?;
        return Ok(ExitCode::from(USAGE));
    };
    writeln!(out, "{}: {}\n\n{}\n\nExample:", code.id, code.title, code.explanation)?;
    for line in code.example.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "\n{}", code.remedy)?;
    Ok(ExitCode::SUCCESS)
}
