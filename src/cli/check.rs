//! `pollux check`: everything that is wrong with a workspace, at once; or where one message would go.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::catalog::Catalog;
use crate::catalog::binding::Source;
use crate::config::{Config, Environment, Flags, check_binds};
use crate::source::{Severity, did_you_mean, list_some, render_json, render_text};

use super::{USAGE, trace};
use crate::app::workspace::{self, Loaded};

/// Check the files of a workspace: types, twins, bindings and settings.
///
/// With --topic and --payload it also says where that message would go and what would be read in it. Nothing is sent or written.
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
    /// Trace a message that comes to this topic (by HTTP, to /ingest or /ingest/TWIN).
    #[arg(long, requires = "payload", conflicts_with = "format")]
    pub topic: Option<String>,
    /// The file with the payload of that message; `-` for the standard input.
    #[arg(long, value_name = "FILE", requires = "topic")]
    pub payload: Option<PathBuf>,
    /// Where that message comes from: `mqtt`, `http`, or the name of a broker in pollux.toml.
    #[arg(long, default_value = "mqtt", requires = "topic")]
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// 0: clean, 1: errors (or warnings, where they are denied, or a message in which nothing can be read), 2: there is nothing to check.
pub fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    let Loaded { sources, catalog, config, problems } = match workspace::load(&args.workspace, &environment, &Flags::default()) {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(out, "error: {error:#}")?;
            return Ok(ExitCode::from(USAGE));
        }
    };
    match args.format {
        Format::Json => out.write_all(render_json(&sources, &problems).as_bytes())?,
        Format::Text => {
            let colour = io::stdout().is_terminal() && environment.get("NO_COLOR").is_none();
            out.write_all(render_text(&sources, &problems, colour).as_bytes())?;
        }
    }
    if problems.has_errors() || (args.deny_warnings && problems.count(Severity::Warning) > 0) {
        return Ok(ExitCode::FAILURE);
    }
    if let (Some(topic), Some(payload)) = (&args.topic, &args.payload) {
        return trace_message(&catalog, &config, &args.source, topic, payload, out);
    }
    if args.format == Format::Text {
        let (types, twins, bindings) = (catalog.types.len(), catalog.twins.len(), catalog.bindings.len());
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        writeln!(out, "no errors: {}, {}, {}", counted(types, "type"), counted(twins, "twin"), counted(bindings, "binding"))?;
        if let Err(insecure) = check_binds(&config) {
            writeln!(out, "`pollux run` will refuse this: {insecure}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn trace_message(
    catalog: &Catalog,
    config: &Config,
    source: &str,
    topic: &str,
    payload: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let (source, bytes_max) = match source {
        "mqtt" => (Source::Embedded, config.mqtt.packet_bytes_max),
        "http" => (Source::Http, config.http.body_bytes_max),
        name => match config.brokers.iter().find(|broker| broker.name == name) {
            Some(broker) => (Source::Broker(name.into()), broker.packet_bytes_max),
            None => {
                let known = || ["mqtt", "http"].into_iter().chain(config.brokers.iter().map(|broker| &*broker.name));
                let near = did_you_mean(name, known()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                writeln!(out, "error: there is no source `{name}`{near} (sources: {})", list_some(known()))?;
                return Ok(ExitCode::from(USAGE));
            }
        },
    };
    let payload = read_payload(payload, bytes_max.as_usize())?;
    let trace = trace::trace(catalog, &source, topic, &payload);
    out.write_all(trace.text.as_bytes())?;
    Ok(if trace.readings > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read_payload(path: &Path, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = bytes_max as u64 + 1;
    let read = match path.to_str() {
        Some("-") => io::stdin().take(limit).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("cannot read the payload {}", path.display()))?;
    anyhow::ensure!(bytes.len() <= bytes_max, "{} is larger than the {bytes_max} bytes that this source takes", path.display());
    Ok(bytes)
}
