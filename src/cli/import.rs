//! `pollux import`: what was exported elsewhere becomes files of a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::app::workspace;
use crate::app::write::write_all;
use crate::catalog;
use crate::catalog::load::RESERVED_TYPES;
use crate::iotevents::file::FILE_BYTES_MAX;
use crate::iotevents::workspace::{Imported, Source, import_beside};
use crate::iotevents::{Finding, Level, analysis_results};
use crate::source::{Sources, render_text};

use super::USAGE;

/// Bring in what was exported elsewhere.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    pub from: From,
}

#[derive(Debug, clap::Subcommand)]
pub enum From {
    /// AWS IoT Events: detector models, alarm models, inputs, messages and topic rules, as exported.
    ///
    /// The models run unedited. Types, twins and topics for them are written into the workspace: all of it, or nothing if something is wrong.
    #[command(name = "iot-events")]
    IotEvents(IotEventsArgs),
}

#[derive(Debug, clap::Args)]
pub struct IotEventsArgs {
    /// Files of one plant: those that share inputs belong together.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder that holds schemas/ and twins/; it may be a new one.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,
    /// Only say what there is to say about the files; nothing is written.
    #[arg(long)]
    pub lint: bool,
    /// How that is said: as lines, or as AWS's analysis of a detector model.
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "lint")]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// 0: written, or nothing wrong; 1: errors, and nothing was written; 2: a file cannot be read, or the folder cannot take them.
pub fn run(args: &ImportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let From::IotEvents(args) = &args.from;
    let mut texts = Vec::new();
    for path in &args.files {
        match read(path) {
            Ok(text) => texts.push((path.to_string_lossy().into_owned(), text)),
            Err(error) => {
                writeln!(out, "error: {}: {error}", path.display())?;
                return Ok(ExitCode::from(USAGE));
            }
        }
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let dir = &args.workspace;
    let imported = import_into(dir, &sources);
    if args.lint {
        return lint(&imported.findings, args.format, out);
    }
    // What is only worth knowing is for those who ask.
    tell(imported.findings.iter().filter(|finding| finding.level > Level::Info), out)?;
    if imported.files.is_empty() {
        writeln!(out, "nothing was written")?;
        return Ok(ExitCode::FAILURE);
    }
    let files: BTreeMap<String, String> = imported.files.into_iter().collect();
    let (new, others) = compare(dir, files)?;
    if !others.is_empty() {
        let (list, what) = (others.join(", "), if others.len() == 1 { "is there already and says" } else { "are there already and say" });
        writeln!(
            out,
            "error: {list} {what} something else: import all files together into a new folder, or move it away. Nothing was written"
        )?;
        return Ok(ExitCode::from(USAGE));
    }
    if !is_fine(dir, &new, out)? {
        return Ok(ExitCode::FAILURE);
    }
    write_all(dir, &new).with_context(|| format!("cannot write into {}", dir.display()))?;
    for path in new.keys() {
        writeln!(out, "wrote {}", dir.join(path).display())?;
    }
    writeln!(out, "\nnext: pollux check {}", dir.display())?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> io::Result<String> {
    let length = fs::metadata(path)?.len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(io::Error::other(format!("it has {length} bytes; at most {FILE_BYTES_MAX} are read")));
    }
    fs::read_to_string(path)
}

/// Types of the workspace keep their names; what an earlier import of the same files wrote is the same again.
fn import_into(dir: &Path, sources: &[Source<'_>]) -> Imported {
    let mut taken: BTreeSet<String> = RESERVED_TYPES.iter().map(|name| (*name).to_owned()).collect();
    let first = import_beside(sources, &taken);
    let types = first.files.iter().filter_map(|(path, text)| Some((path.strip_prefix("schemas/")?.strip_suffix(".yaml")?, path, text)));
    let others = types.filter(|(_, path, text)| fs::read_to_string(dir.join(path)).is_ok_and(|before| before != **text));
    let others: Vec<String> = others.map(|(name, ..)| name.to_owned()).collect();
    if others.is_empty() {
        return first;
    }
    taken.extend(others);
    import_beside(sources, &taken)
}

/// Files that are new, and the paths of those that stand there with another text.
fn compare(dir: &Path, files: BTreeMap<String, String>) -> anyhow::Result<(BTreeMap<String, String>, Vec<String>)> {
    let (mut new, mut others) = (BTreeMap::new(), Vec::new());
    for (path, text) in files {
        match fs::read(dir.join(&path)) {
            Ok(before) if before == text.as_bytes() => {}
            Ok(_) => others.push(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(new.insert(path, text)),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.join(&path).display())),
        }
    }
    Ok((new, others))
}

/// Whether the workspace is one with these files in it; what is wrong is told.
fn is_fine(dir: &Path, files: &BTreeMap<String, String>, out: &mut dyn Write) -> anyhow::Result<bool> {
    let sources = if dir.join("schemas").is_dir() || dir.join("twins").is_dir() {
        workspace::read_with(dir, files)?
    } else {
        let mut sources = Sources::new();
        for (path, text) in files {
            sources.add(path, text.as_bytes());
        }
        sources
    };
    let (_, problems) = catalog::load(&sources);
    if problems.has_errors() {
        out.write_all(render_text(&sources, &problems, false).as_bytes())?;
        writeln!(out, "the workspace would have errors, so nothing was written")?;
    }
    Ok(!problems.has_errors())
}

fn lint(findings: &[Finding], format: Format, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match format {
        Format::Text => {
            tell(findings, out)?;
            let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
            writeln!(out, "{} errors, {} warnings, {} notes", count(Level::Error), count(Level::Warning), count(Level::Info))?;
        }
        Format::Json => writeln!(out, "{:#}", analysis_results(findings))?,
    }
    let is_wrong = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tell<'f>(findings: impl IntoIterator<Item = &'f Finding>, out: &mut dyn Write) -> io::Result<()> {
    findings.into_iter().try_for_each(|finding| writeln!(out, "{finding}"))
}
