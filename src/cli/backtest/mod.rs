//! `pollux backtest`: rules tried on recorded data, before they go live.

mod file;
mod journal;
mod progress;

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::app::workspace::{self, Loaded};
use crate::backtest::{Backtest, Found, Selection, read_time};
use crate::catalog::{Catalog, Change, RuleName, Setting, load_changed};
use crate::config::{Environment, Flags};
use crate::reading::{Timestamp, TwinId, parse_duration};
use crate::runtime::clock::Clock;
use crate::source::{FILE_BYTES_MAX, Sources, did_you_mean, render_text};

use progress::Progress;

/// Run rules over recorded data, on a virtual clock, and report what they would have raised.
///
/// The data are a file (--data) or the journal of the workspace. Nothing live is touched, and what rules would do is not done.
///
///   pollux backtest --rule Mixer.overheat --from 2026-01-05
///   pollux backtest --rule Mixer.overheat --set hi=90 --against current
///   pollux backtest --rule new-rules.yaml --data week.csv --twin mixer-1 --time when --map T1=temperature
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct BacktestArgs {
    /// The folder that holds schemas/ and twins/.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,
    /// Only this rule; or a file of new and changed rules: `type: Mixer` with `rules: […]`, one rule with its type, or a whole type.
    #[arg(long, value_name = "FILE|TYPE.ID")]
    pub rule: Vec<String>,
    /// Another value for a parameter or a setting: hi=90, onDelay=5m, or Mixer.overheat.hi=90.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Compare with the rules as they stand in the workspace.
    #[arg(long, value_enum)]
    pub against: Option<Against>,
    /// Only what came in from then on: 2026-01-05, 2026-01-05T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub from: Option<Timestamp>,
    /// Only what came in before then.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub to: Option<Timestamp>,
    /// Report on these twins only.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub twins: Vec<String>,
    /// Report on this twin and all that it contains.
    #[arg(long, value_name = "ID", conflicts_with = "twins")]
    pub under: Option<String>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Let the clock go on in silence after the last reading: 1h.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    pub run_on: Duration,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Exit with 1 if the compared rules differ in any alarm.
    #[arg(long, requires = "against")]
    pub fail_on_diff: bool,
}

/// Where recorded data come from, if not from the journal.
#[derive(Debug, Default, clap::Args)]
pub struct DataArgs {
    /// A recording: .csv, .ndjson (a row of JSON per line) or .json (a list of rows).
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The twin that all rows are about.
    #[arg(long, value_name = "ID", requires = "data")]
    pub twin: Option<String>,
    /// The column that names the twin.
    #[arg(long, value_name = "COLUMN", requires = "data", conflicts_with = "twin")]
    pub twin_column: Option<String>,
    /// The column of the time [default: time, and in JSON ts or time].
    #[arg(long, value_name = "COLUMN", requires = "data", conflicts_with = "start")]
    pub time: Option<String>,
    /// The column that says when a row was received.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub received: Option<String>,
    /// For a table without times: when its first row was.
    #[arg(long, value_name = "TIME", requires = "every", value_parser = read_time)]
    pub start: Option<Timestamp>,
    /// For a table without times: how far its rows are apart.
    #[arg(long, value_name = "DURATION", requires = "start", value_parser = duration)]
    pub every: Option<Duration>,
    /// A column that goes to telemetry of another name.
    #[arg(long, value_name = "COLUMN=MEMBER", requires = "data", value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// The column that names an event of the type, in the rows in which one happened.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub event: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Against {
    Current,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// 0: done, 1: the compared rules differ and that was to fail, or the workspace has errors.
pub fn run(args: &BacktestArgs, out: &mut dyn Write, complaints: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    let Loaded { mut sources, catalog, config, problems } = workspace::load(&args.workspace, &environment, &Flags::default())?;
    if problems.has_errors() {
        complaints.write_all(render_text(&sources, &problems, false).as_bytes())?;
        return Ok(ExitCode::FAILURE);
    }
    let Trial { changes, mut rules } = trial(args, &catalog, &mut sources)?;
    let mut candidate = None;
    if !changes.is_empty() {
        let (changed, problems, touched) = load_changed(&sources, &changes);
        if problems.has_errors() {
            complaints.write_all(render_text(&sources, &problems, false).as_bytes())?;
            return Ok(ExitCode::FAILURE);
        }
        rules.extend(touched);
        candidate = Some(changed);
    }
    let against = match (&candidate, args.against) {
        (None, Some(Against::Current)) => {
            bail!("there is nothing to compare: name a file of rules with --rule, or other values with --set")
        }
        (_, Some(Against::Current)) => Some(&catalog),
        (_, None) => None,
    };
    let selection = selection(args, &catalog, rules)?;
    let tried = candidate.as_ref().unwrap_or(&catalog);
    let mut backtest = Backtest::new(tried, against);
    let clock = Clock::system();
    let begun = clock.now();
    let mut progress = Progress::new(std::io::stderr().is_terminal());
    {
        let mut take = |found: Found| {
            if found.is_within(args.from, args.to) {
                backtest.take(found);
                progress.tell(backtest.readings(), backtest.now(), complaints);
            }
        };
        match &args.data.data {
            Some(path) => file::read(path, &args.data, tried, &mut take)?,
            None => journal::read(&args.workspace, &config, &environment, tried, &mut take)?,
        }
    }
    let readings = backtest.readings();
    let report = backtest.finish(args.run_on, &selection);
    progress.end(readings, clock.now().micros_since(begun), complaints);
    match args.format {
        Format::Table => out.write_all(report.to_table().as_bytes())?,
        Format::Json => out.write_all(report.to_json().as_bytes())?,
    }
    Ok(if args.fail_on_diff && report.differs() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is to be tried, and on which rules.
struct Trial {
    changes: Vec<Change>,
    rules: Vec<RuleName>,
}

fn trial(args: &BacktestArgs, catalog: &Catalog, sources: &mut Sources) -> anyhow::Result<Trial> {
    let mut trial = Trial { changes: Vec::new(), rules: Vec::new() };
    for said in &args.rule {
        let path = Path::new(said);
        match RuleName::parse(said) {
            Some(rule) if !path.is_file() => {
                rule.check(catalog).map_err(anyhow::Error::msg)?;
                trial.rules.push(rule);
            }
            Some(_) | None if path.is_file() => trial.changes.push(Change::File(add_file(path, said, sources)?)),
            Some(_) | None => bail!("`{said}` is neither a file nor a rule: write Mixer.overheat, or the path of a file of rules"),
        }
    }
    for said in &args.set {
        let Some((name, value)) = said.split_once('=') else { bail!("`{said}` says no value: write hi=90") };
        let (rule, key) = match name.rsplit_once('.').and_then(|(rule, key)| Some((RuleName::parse(rule)?, key))) {
            Some((rule, key)) => (Some(rule), key),
            None if trial.rules.is_empty() && trial.changes.is_empty() => (only_rule_with(name, catalog), name),
            None => (Some(&trial.rules).filter(|rules| rules.len() == 1).and_then(|rules| rules.first()).cloned(), name),
        };
        if let Some(rule) = &rule {
            // A rule that a file brings along is found when that has been read.
            if trial.changes.is_empty() {
                rule.check(catalog).map_err(anyhow::Error::msg)?;
            }
        }
        let value = sources.add(format!("--set {name}"), value.as_bytes());
        trial.changes.push(Change::Setting(Setting { rule, key: key.to_owned(), value }));
    }
    Ok(trial)
}

/// The one rule that declares this parameter, if only one does.
fn only_rule_with(param: &str, catalog: &Catalog) -> Option<RuleName> {
    let mut rules = catalog.types.iter().flat_map(|layout| {
        let params = layout.logic.params.iter().filter(|known| *known.name == *param);
        let specs = params.filter_map(|known| layout.logic.rules.get(usize::from(known.rule)));
        let own = specs.filter(|spec| spec.declared_by == layout.name);
        own.map(|spec| RuleName { type_name: layout.name.to_string(), id: spec.rule.id.to_string() })
    });
    rules.next().filter(|_| rules.next().is_none())
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A file that is tried is none of the workspace's, wherever it lies.
fn add_file(path: &Path, said: &str, sources: &mut Sources) -> anyhow::Result<crate::source::FileId> {
    let bytes = std::fs::metadata(path).map(|metadata| metadata.len()).with_context(|| format!("cannot read {said}"))?;
    ensure!(bytes <= FILE_BYTES_MAX as u64, "{said} has more than {FILE_BYTES_MAX} bytes");
    let text = std::fs::read(path).with_context(|| format!("cannot read {said}"))?;
    let shown = if said.starts_with("schemas/") || said.starts_with("twins/") { format!("./{said}") } else { said.to_owned() };
    Ok(sources.add(shown, &text))
}

fn selection(args: &BacktestArgs, catalog: &Catalog, rules: Vec<RuleName>) -> anyhow::Result<Selection> {
    let mut selection = Selection::default();
    if !rules.is_empty() {
        selection = selection.of_rules(rules.into_iter().map(|rule| (rule.type_name, rule.id)));
    }
    let twin = |id: &str| -> anyhow::Result<TwinId> {
        let known = catalog.twin(id).map(|spec| spec.id.clone());
        known.with_context(|| {
            let near = did_you_mean(id, catalog.twins.iter().map(|twin| twin.id.as_str()));
            format!("the workspace has no twin `{id}`{}", meant(near))
        })
    };
    if let Some(root) = &args.under {
        selection = selection.under(&twin(root)?, catalog);
    }
    if !args.twins.is_empty() {
        // Of twins that were made while it ran, only the journal knows.
        let given = args.twins.iter().map(|id| if args.data.data.is_some() { twin(id) } else { Ok(TwinId::parse(id)?) });
        selection = selection.of_twins(given.collect::<anyhow::Result<Vec<_>>>()?);
    }
    Ok(selection)
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is not a duration: write 15s, 5m, 2h or 7d"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (column, member) = text.split_once('=').ok_or_else(|| format!("`{text}` says no member: write COLUMN=MEMBER"))?;
    Ok((column.trim().to_owned(), member.trim().to_owned()))
}
