//! `dryRunRule`: what a new or changed rule would have raised on what was recorded, and how that differs from the rules as they stand
//! (`rules.md`, 12).

use std::collections::BTreeSet;
use std::sync::Weak;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::explanation;
use super::issue::Issue;
use super::range::Range;
use super::twin::session;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::{ApiError, Code};
use crate::api::query::AGGREGATE_WEIGHT;
use crate::api::request::Role;
use crate::api::trial::{OCCURRENCES_MAX, Trial, Tried};
use crate::backtest::{Figures, Kind, Occurrence, Report};
use crate::catalog::RuleName;
use crate::reading::{Timestamp, format_duration};

/// Of the time that a request may take, this part is left for telling what was found.
const TELLING_PART: u32 = 10;
/// The longest text of rules.
const SOURCE_BYTES_MAX: usize = 256 << 10;

const DOC: &str = "What a new or changed rule would have raised on what the journal holds, as far as that reaches: with all twins, on a clock of its \
                   own. Nothing is changed by it, and what rules would do is not done.";

#[derive(Debug, Clone)]
struct DryRun {
    asked: (Timestamp, Timestamp),
    report: Option<Report>,
    occurrences: Vec<Shown>,
    issues: Vec<Issue>,
    truncated: bool,
}

#[derive(Debug, Clone)]
struct Shown {
    what: Occurrence,
    change: &'static str,
    was: Option<(String, Option<String>)>,
}

/// A rule with its figures; those of before, too, where it is compared.
#[derive(Debug, Clone)]
struct Counted {
    rule: String,
    figures: Figures,
    current: Option<Figures>,
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "DryRunChange",
        "How an occurrence differs from what the rules as they stand would have raised.",
        &[
            ("SAME", "Not at all; also where nothing is compared."),
            ("ADDED", "Only the tried rule raises it."),
            ("REMOVED", "Only the rule as it stands raises it."),
            ("MOVED", "Both raise it, and it begins or ends at another instant."),
        ],
    );
    schema
        .object::<DryRun>("DryRun", "What rules would have raised.")
        .value("readings", "Long!", "Readings and events that were gone through.", |run, _| {
            run.report.as_ref().map_or(0, |report| report.readings.total)
        })
        .value("evaluations", "Long!", "Of the rules that are told of.", |run, _| {
            run.report.iter().flat_map(|report| &report.rules).map(|rule| rule.figures.evaluations).sum::<u64>()
        })
        .value("from", "DateTime!", "The first instant that was gone through.", |run, _| {
            run.report.as_ref().and_then(|report| report.from.clone()).unwrap_or_else(|| run.asked.0.to_string())
        })
        .value("to", "DateTime!", "The last one.", |run, _| {
            run.report.as_ref().and_then(|report| report.to.clone()).unwrap_or_else(|| run.asked.1.to_string())
        })
        .value("rules", "[DryRunRule!]!", "By name.", |run, _| {
            let rules = run.report.iter().flat_map(|report| &report.rules);
            Out::objects(rules.map(|rule| Counted {
                rule: rule.rule.clone(),
                figures: rule.figures.clone(),
                current: rule.current.clone(),
            }))
        })
        .value("occurrences", "[DryRunOccurrence!]!", "By the instant of their raise; at most 1,000.", |run, _| {
            Out::objects(run.occurrences.iter().cloned())
        })
        .value("truncated", "Boolean!", "Something is left out: ask for less at once.", |run, _| run.truncated)
        .value("issues", "[Issue!]!", "What is wrong with the rules that were to be tried, and what else there is to know.", |run, _| {
            Out::objects(run.issues.iter().cloned())
        });
    schema
        .object::<Counted>("DryRunRule", "A rule on all its twins that are told of.")
        .value("rule", "String!", "`TYPE.ID`", |rule, _| rule.rule.clone())
        .value("raises", "Int!", "", |rule, _| count(rule.figures.raises))
        .value("activeTime", "Duration!", "", |rule, _| format_duration(rule.figures.active_seconds.0))
        .value("longest", "Duration", "Null where it was never raised.", |rule, _| {
            (rule.figures.raises > 0).then(|| format_duration(rule.figures.longest_seconds.0))
        })
        .value("unknownTime", "Duration!", "How long its condition was unknown.", |rule, _| format_duration(rule.figures.unknown_seconds.0))
        .value("chatter", "Int!", "Occurrences that came in quick succession.", |rule, _| count(rule.figures.chattering))
        .value("avoided", "Int!", "How often its condition held for less than its delay.", |rule, _| count(rule.figures.avoided))
        .value("current", "DryRunRule", "The same of the rule as it stands, with `against`.", |rule, _| {
            let figures = rule.current.clone()?;
            Some(Out::object(Counted { rule: rule.rule.clone(), figures, current: None }))
        });
    schema
        .object::<Shown>("DryRunOccurrence", "An alarm that would have been raised, or would not.")
        .value("twinId", "ID!", "", |shown, _| shown.what.twin.clone())
        .value("rule", "String!", "`TYPE.ID`", |shown, _| shown.what.rule.clone())
        .value("severity", "Severity!", "The highest that it reached.", |shown, _| shown.what.severity)
        .value("text", "String!", "", |shown, _| shown.what.text.clone())
        .value("raisedAt", "DateTime!", "", |shown, _| shown.what.raised_at.clone())
        .value("clearedAt", "DateTime", "Null while it is active.", |shown, _| shown.what.cleared_at.clone())
        .value("change", "DryRunChange!", "", |shown, _| shown.change)
        .value("wasRaisedAt", "DateTime", "With MOVED.", |shown, _| shown.was.as_ref().map(|(raised, _)| raised.clone()))
        .value("wasClearedAt", "DateTime", "With MOVED.", |shown, _| shown.was.as_ref().and_then(|(_, cleared)| cleared.clone()))
        .value("explain", "Explanation", "The evidence of the raise.", |shown, _| {
            let evidence: Option<Json> = shown.what.evidence.as_deref().and_then(|text| serde_json::from_str(text).ok());
            evidence.as_ref().and_then(explanation::of_trigger)
        });
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub fn declare_query(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("dryRunRule", "DryRun", DOC)
        .arg("source", "String")
        .arg_doc("New and changed rules: `type: Mixer` with `rules: […]`, one rule with its type, or a whole type.")
        .arg("rule", "ID")
        .arg_doc("A rule that stands in the workspace, as `rule/TYPE.ID` or `TYPE.ID`.")
        .arg("set", "JSON")
        .arg_doc("Other values for its parameters and settings: `{hi: 90, onDelay: \"5m\"}`.")
        .arg("twins", "[ID!]")
        .arg_doc("Tell of these only. All take part all the same.")
        .arg("under", "ID")
        .arg_doc("Tell of this twin and of all that it contains.")
        .arg("range", "RangeInput!")
        .arg("against", "Boolean = false")
        .arg_doc("Compare with the rules as they stand.")
        .weight(AGGREGATE_WEIGHT)
        .analytic()
        .resolve(|_, args, ctx| async move { dry_run(&ctx, &args).await })
        .role(Role::Modeller);
}

async fn dry_run(ctx: &Ctx, args: &Args) -> Result<Out, ApiError> {
    let trial = trial(ctx, args)?;
    let publisher = session(ctx)?.services.lasting.publisher.get().and_then(Weak::upgrade);
    let Some(publisher) = publisher else { return Err(ApiError::new(Code::Unavailable, "the workspace is being closed")) };
    let asked = (trial.from, trial.to);
    let Tried { report, issues, truncated } = publisher.try_rules(trial).await?;
    let mut occurrences = report.as_ref().map(shown).unwrap_or_default();
    let is_cut = occurrences.len() > OCCURRENCES_MAX;
    occurrences.truncate(OCCURRENCES_MAX);
    let is_folded = report.iter().flat_map(|report| &report.rules).any(|rule| rule.figures.not_listed > 0);
    Ok(Out::object(DryRun { asked, report, occurrences, issues, truncated: truncated || is_cut || is_folded }))
}

fn trial(ctx: &RequestContext, args: &Args) -> Result<Trial, ApiError> {
    let session = session(ctx)?;
    let source = args.text("source").map(str::to_owned);
    if source.as_ref().is_some_and(|source| source.len() > SOURCE_BYTES_MAX) {
        let message = format!("`source` has more than {SOURCE_BYTES_MAX} bytes");
        return Err(ApiError::limit("dry_run_source_bytes_max", SOURCE_BYTES_MAX as u64, message).hint("try fewer rules at once"));
    }
    let rule = args.text("rule").map(|name| {
        let parsed = RuleName::parse(name.strip_prefix("rule/").unwrap_or(name));
        parsed.ok_or_else(|| ApiError::bad_input("`rule` is `TYPE.ID`, as in `Mixer.overheat`"))
    });
    let rule = rule.transpose()?;
    if source.is_none() && rule.is_none() {
        return Err(ApiError::bad_input("name a `rule`, or give the `source` of one"));
    }
    let set = match args.get("set") {
        None => Vec::new(),
        Some(Json::Object(set)) => set.iter().map(|(key, value)| (key.clone(), value.to_string())).collect(),
        Some(_) => return Err(ApiError::bad_input("`set` is an object of values by name: `{hi: 90}`")),
    };
    let against = args.boolean("against").unwrap_or(false);
    if against && source.is_none() && set.is_empty() {
        return Err(ApiError::bad_input("there is nothing to compare: give a `source`, or other values with `set`"));
    }
    let Range { from, to } = Range::read(args, "range", session.now())?;
    let twins = args.texts("twins").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let under = args.text("under").map(str::to_owned);
    let time_max = session.services.limits.analytics_time_max();
    let until = ctx.deadline.unwrap_or_else(|| Instant::now() + time_max);
    let until = until.checked_sub(time_max / TELLING_PART).unwrap_or(until);
    Ok(Trial { source, rule, set, twins, under, from, to, against, until })
}

/// The occurrences of the tried rules, and those that only the others raise.
fn shown(report: &Report) -> Vec<Shown> {
    let differences = report.differences.as_deref().unwrap_or_default();
    let key = |one: &Occurrence| (one.twin.clone(), one.rule.clone(), one.no);
    let differing: BTreeSet<_> =
        differences.iter().filter(|differing| differing.kind != Kind::Removed).map(|differing| key(&differing.occurrence)).collect();
    let same = report.occurrences.iter().filter(|one| !differing.contains(&key(one)));
    let mut all: Vec<Shown> = same.map(|one| Shown { what: one.clone(), change: "SAME", was: None }).collect();
    all.extend(differences.iter().map(|differing| Shown {
        what: differing.occurrence.clone(),
        change: match differing.kind {
            Kind::Added => "ADDED",
            Kind::Removed => "REMOVED",
            Kind::Moved => "MOVED",
        },
        was: differing.was.as_ref().map(|was| (was.raised_at.clone(), was.cleared_at.clone())),
    }));
    // Texts of times with and without a fraction are not in their order.
    all.sort_by_cached_key(|one| (Timestamp::parse_rfc3339(&one.what.raised_at).ok(), one.what.twin.clone(), one.what.rule.clone()));
    all
}
