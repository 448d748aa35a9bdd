//! What one twin is shown, and what came of it, told by the backtest and by a running process in the same words.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use pollux::backtest::{Backtest, Rows, RowsOptions, Selection};
use pollux::catalog::{self, Catalog};
use pollux::journal;
use pollux::reading::{Seq, Timestamp, TwinNo, Value};
use pollux::runtime::layouts::Layouts;
use pollux::runtime::rebuild::Replay;
use pollux::source::Sources;
use pollux::twin::{Basis, Event, Fact, State, Twin};
use serde_json::{Value as Json, json};

use super::feeder::Feeder;
use super::recorded::Outcomes;
use crate::graphql::Plant;
use crate::graphql::ws::Socket;
use crate::process::Workspace;

/// All of the journal is to be there at the end, for the streams and for whoever reads it.
const SETTINGS: [(&str, &str); 1] = [("RUNTIME_CHECKPOINT_EVERY", "1d")];
pub const ALARMS: &str = "subscription ($after: String) { items: alarmChanges(after: $after) {
    kind cursor op at twinId ruleName alarm { id firstTrueAt raisedAt clearedAt count level } } }";

/// A twin of a type of its own, and the messages of its device.
pub struct Story {
    /// The name of the type; the twin has the same in small letters.
    pub name: &'static str,
    pub type_text: String,
    pub messages: Vec<String>,
}

impl Story {
    pub fn twin(&self) -> String {
        self.name.to_lowercase()
    }

    pub fn files(&self) -> [(String, String); 2] {
        let (name, twin) = (self.name, self.twin());
        let twins = format!("twins: [{{id: {twin}, type: {name}}}]\n");
        [(format!("schemas/{name}.yaml"), self.type_text.clone()), (format!("twins/{twin}.yaml"), twins)]
    }
}

/// The messages of a table about one value.
pub fn messages(rows: &[(String, String)]) -> Vec<String> {
    rows.iter().map(|(time, value)| format!("{{\"ts\": \"{time}\", \"value\": {value}}}")).collect()
}

/// An alarm from its raise to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub rule: String,
    pub no: u32,
    pub first_true_at: Timestamp,
    pub raised_at: Timestamp,
    pub cleared_at: Option<Timestamp>,
    pub count: u64,
}

/// What came of a story.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub outcomes: Outcomes,
    /// By rule, then by number.
    pub occurrences: Vec<Occurrence>,
    /// How often a rule was about to raise an alarm and did not.
    pub avoided: BTreeMap<String, u64>,
}

impl Told {
    pub fn of_rule<'t>(&'t self, rule: &'t str) -> impl Iterator<Item = &'t Occurrence> {
        self.occurrences.iter().filter(move |one| one.rule == rule)
    }

    pub fn raises(&self, rule: &str) -> u64 {
        self.of_rule(rule).count() as u64
    }
}

/// On a virtual clock.
pub fn by_backtest(story: &Story) -> Told {
    let catalog = catalog_of(&story.files());
    let text = story.messages.join("\n");
    let options = RowsOptions { file: Arc::from("messages.ndjson"), twin: Some(story.twin()), time: None, map: Vec::new() };
    let mut backtest = Backtest::new(&catalog, None);
    Rows::lines(text.as_bytes(), &catalog, options).unwrap().for_each(|found| backtest.take(found.unwrap()));
    let report = backtest.finish(Duration::ZERO, &Selection::default());
    let readings = &report.readings;
    let occurrences = report.occurrences.iter().map(|one| Occurrence {
        rule: one.rule.rsplit_once('.').unwrap().1.to_owned(),
        no: one.no,
        first_true_at: time(&one.first_true_at),
        raised_at: time(&one.raised_at),
        cleared_at: one.cleared_at.as_deref().map(time),
        count: one.count.into(),
    });
    let mut occurrences: Vec<Occurrence> = occurrences.collect();
    occurrences.sort_by(|a, b| (&a.rule, a.no).cmp(&(&b.rule, b.no)));
    let avoided = report.rules.iter().map(|rule| (rule.rule.rsplit_once('.').unwrap().1.to_owned(), rule.figures.avoided));
    Told {
        outcomes: Outcomes {
            new: readings.new,
            duplicate: readings.duplicate,
            out_of_order: readings.out_of_order,
            conflict: readings.conflict,
        },
        occurrences,
        avoided: avoided.collect(),
    }
}

pub fn catalog_of(files: &[(String, String)]) -> Catalog {
    let mut sources = Sources::new();
    for (path, text) in files {
        sources.add(path.as_str(), text.as_bytes());
    }
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", pollux::source::render_text(&sources, &problems, false));
    catalog
}

/// The real binary with some stories in its workspace.
pub struct Running {
    pub plant: Plant,
    /// From where its alarms are told.
    pub begin: Json,
}

impl Running {
    pub async fn start(stories: &[&Story]) -> Running {
        let workspace = Workspace::empty();
        for (path, text) in stories.iter().flat_map(|story| story.files()) {
            workspace.write(&path, &text);
        }
        let plant = Plant::of(workspace, &SETTINGS);
        let mut socket = Socket::open(&plant).await;
        socket.subscribe_with("1", ALARMS, json!({})).await;
        let begin = item(&mut socket).await;
        assert_eq!(begin["kind"], "CAUGHT_UP");
        Running { plant, begin: begin["cursor"].clone() }
    }

    pub fn kill(&mut self) {
        self.plant.program.process.kill();
    }

    /// On the same folder.
    pub fn start_again(&mut self) {
        self.plant.program = self.plant.workspace.start(&SETTINGS);
        self.plant.http = self.plant.program.http;
    }

    /// Shows it the whole story. Of several, one after the other, so that it is known whose readings were counted.
    pub async fn tell(&self, story: &Story) -> Told {
        let before = self.outcomes();
        Feeder::new(&story.twin(), story.messages.clone()).deliver(self.plant.program.mqtt);
        let after = self.outcomes();
        let outcomes = Outcomes {
            new: after.new - before.new,
            duplicate: after.duplicate - before.duplicate,
            out_of_order: after.out_of_order - before.out_of_order,
            conflict: after.conflict - before.conflict,
        };
        Told { outcomes, occurrences: self.occurrences(story).await, avoided: self.avoided(story).await }
    }

    /// Of all readings since its start.
    pub fn outcomes(&self) -> Outcomes {
        let count = |outcome: &str| self.plant.program.metric(&format!("pollux_readings_total{{outcome=\"{outcome}\"}}")) as u64;
        Outcomes { new: count("new"), duplicate: count("duplicate"), out_of_order: count("out_of_order"), conflict: count("conflict") }
    }

    /// What happened to the alarms of a twin, as the lossless stream tells it from the beginning: the operation, the alarm and the instant.
    pub async fn alarm_items(&self, story: &Story) -> Vec<Json> {
        let mut socket = Socket::open(&self.plant).await;
        socket.subscribe_with("1", ALARMS, json!({"after": self.begin})).await;
        let mut items = Vec::new();
        loop {
            let item = item(&mut socket).await;
            match item["kind"].as_str() {
                Some("CAUGHT_UP") => return items,
                Some("ITEM") if item["twinId"] == story.twin() => items.push(item),
                Some("ITEM") => {}
                _ => panic!("{item}"),
            }
        }
    }

    pub async fn occurrences(&self, story: &Story) -> Vec<Occurrence> {
        let mut occurrences: BTreeMap<(String, u32), Occurrence> = BTreeMap::new();
        for item in self.alarm_items(story).await {
            let alarm = &item["alarm"];
            let no: u32 = alarm["id"].as_str().unwrap().rsplit_once('/').unwrap().1.parse().unwrap();
            let rule = item["ruleName"].as_str().unwrap().to_owned();
            let at = |key: &str| alarm[key].as_str().map(time);
            let told = Occurrence {
                rule: rule.clone(),
                no,
                first_true_at: at("firstTrueAt").unwrap(),
                raised_at: at("raisedAt").unwrap(),
                cleared_at: at("clearedAt"),
                count: alarm["count"].as_u64().unwrap(),
            };
            let is_raise = item["op"] == "RAISED";
            let before = occurrences.insert((rule, no), told);
            assert_eq!(before.is_none(), is_raise, "each alarm is raised once, before anything else happens to it: {item}");
        }
        occurrences.into_values().collect()
    }

    async fn avoided(&self, story: &Story) -> BTreeMap<String, u64> {
        let rules = catalog_of(&story.files())
            .layout(story.name)
            .unwrap()
            .logic
            .rules
            .iter()
            .map(|spec| spec.rule.id.to_string())
            .collect::<Vec<_>>();
        let mut avoided = BTreeMap::new();
        for rule in rules {
            let state = self.rule_state(story, &rule).await;
            avoided.insert(rule, state["avoided"].as_u64().unwrap());
        }
        avoided
    }

    pub async fn rule_state(&self, story: &Story, rule: &str) -> Json {
        let twin = story.twin();
        let query = format!(
            "{{ ruleState(rule: \"{rule}\", twin: \"{twin}\") {{ condition since until avoided raised state variables timers }} }}"
        );
        self.plant.data(&query).await["ruleState"].take()
    }

    /// Its newest value with its time, as readers see it.
    pub fn newest(&self, story: &Story, member: &str) -> (f64, Timestamp) {
        let twin = self.plant.program.json(&format!("/admin/twins/{}", story.twin()));
        let slot = &twin["telemetry"][member];
        (slot["value"].as_f64().unwrap(), time(slot["time"].as_str().unwrap()))
    }

    /// Ends it suddenly.
    pub fn end(mut self) -> BTreeMap<String, Remains> {
        self.kill();
        self.remains()
    }

    /// What the journal makes of each twin, and what it says of it, one after the other. To be asked when the process is gone.
    pub fn remains(&self) -> BTreeMap<String, Remains> {
        let layouts = Layouts::default();
        let mut replay = Replay::new(&layouts);
        let mut remains: BTreeMap<TwinNo, Remains> = BTreeMap::new();
        let read = journal::read(&self.plant.workspace.journal(), Seq(1), &mut |seq, bytes| {
            let (at, facts) = replay.take(seq, bytes, None).unwrap();
            for fact in facts {
                match fact {
                    Fact::Created { no, id, layout } => {
                        let state = State::new(no, id, layouts.get(layout).unwrap(), at);
                        remains.insert(no, Remains { twin: Twin::new(state), said: Vec::new(), asked: Vec::new() });
                    }
                    Fact::Happened { no, events, .. } => {
                        let remains = remains.get_mut(&no).unwrap();
                        events.iter().for_each(|event| remains.follow(event, at));
                    }
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        });
        read.unwrap();
        remains.into_values().map(|remains| (remains.twin.state.id.to_string(), remains)).collect()
    }
}

/// A result of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub value: Option<Value>,
    pub basis: Basis,
}

/// What a twin is at the end.
pub struct Remains {
    pub twin: Twin,
    /// What its window has said, of those that have one.
    pub said: Vec<Said>,
    /// The keys of what it has asked others to do.
    pub asked: Vec<String>,
}

impl Remains {
    fn follow(&mut self, event: &Event, at: Timestamp) {
        self.twin.apply(event, at);
        if let Event::Asked(request) = event {
            self.asked.push(request.key.to_string());
        }
        let state = &self.twin.state;
        for (slot, basis) in state.bases.iter() {
            let now = Said { value: state.slot(*slot).value.clone(), basis: *basis };
            if self.said.last() != Some(&now) {
                self.said.push(now);
            }
        }
    }
}

pub async fn item(socket: &mut Socket) -> Json {
    let mut next = socket.hear().await;
    assert!(next["payload"].get("errors").is_none() && next["type"] == "next", "{next}");
    next["payload"]["data"]["items"].take()
}

pub fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|_| panic!("`{text}` is no time"))
}
