//! Stories of the whole program, as text in `tests/data/scenario`: what happens, and below it, indented, what is seen. A new story is a new file.
//! `UPDATE_EXPECT=1` writes what is seen now; the diff is then to be read. `SCENARIO=http` tells only the stories with that in their name.
//!
//! ```text
//! file schemas/Pump.yaml                 the workspace, file by file; or `demo` for the demo plant
//!     type: Pump
//! 10:00:05 mqtt TOPIC PAYLOAD            a time turns the clock; MQTT 5, QoS 1; what the sender hears
//!     ack
//! mqtt3 TOPIC PAYLOAD                    MQTT 3.1.1, QoS 1
//! mqtt0 TOPIC PAYLOAD                    MQTT 5, QoS 0
//! bytes "text" 04 FF                     a connection of its own that sends these bytes, and what comes back
//! http PATH BODY · get PATH              status and body
//! twin ID · twins                        what readers see
//! look ID                                the same without its revision: how often roll-ups and floods are told depends on the machine's clock
//! stored ID                              what the graph store says
//! rejections                             those that are new since this was last asked
//! metrics PREFIX                         series that are not 0
//! actor ID [STATE]                       the actor, once it is in that state
//! subscribe FILTER · received COUNT      a subscriber, and the next messages it gets
//! settle · restart · kill                wait until all is on disk; end and start again, in good order or not
//! write PATH TEXT                        a file of the workspace changes; the next start reads it
//! ```
//! In payloads `@10:00:05` is that time as text, `@ms:10:00:05` in milliseconds, `⏎` a line break, `\xFF` a byte, `«text»*5` a repetition.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value as Json;

use crate::mqtt_peer::{Client, bytes, packet};
use crate::support::{Sender, World, at, body, words};

const INDENT: &str = "    ";
/// Worlds at once.
const THREADS: usize = 3;
/// More of an answer than this tells nobody anything.
const SHOWN_CHARS_MAX: usize = 600;

#[test]
fn stories_go_as_they_are_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/data/scenario");
    let only = std::env::var("SCENARIO").ok();
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only.as_str())));
    paths.sort();
    paths.reverse();
    let (paths, wrong) = (Mutex::new(paths), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(path) = paths.lock().unwrap().pop() else { return };
                    let told = fs::read_to_string(&path).unwrap();
                    println!("{}", path.display());
                    let seen = std::panic::catch_unwind(|| Story::of(&told).tell());
                    match seen {
                        Ok(seen) if seen == told => {}
                        Ok(seen) if std::env::var_os("UPDATE_EXPECT").is_some() => fs::write(&path, seen).unwrap(),
                        Ok(seen) => wrong.lock().unwrap().push(format!("{}\n{}", path.display(), difference(&told, &seen))),
                        Err(_) => wrong.lock().unwrap().push(format!("{} cannot be told to its end", path.display())),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} stories go otherwise; UPDATE_EXPECT=1 accepts that\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Steps are the same in both, so they are compared step by step.
fn difference(told: &str, seen: &str) -> String {
    let mut text = String::new();
    for (told, seen) in blocks(told).into_iter().zip(blocks(seen)) {
        let sign = |sign: char, lines: &[&str]| lines.iter().map(|line| format!("{sign}{line}\n")).collect::<String>();
        text += &match told == seen {
            true => sign(' ', &told),
            false => {
                let same = told.iter().zip(&seen).take_while(|(told, seen)| told == seen).count();
                sign(' ', &told[..same]) + &sign('-', &told[same..]) + &sign('+', &seen[same..])
            }
        };
    }
    text
}

/// Each line that is not indented, with those below it that are.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = vec![vec!["---"]];
    for line in text.lines() {
        match blocks.last_mut() {
            Some(block) if line.starts_with(INDENT) => block.push(line),
            Some(_) | None => blocks.push(vec![line]),
        }
    }
    blocks
}

/// The lines of a story: what is done, and what was seen of it when it was last accepted.
struct Story<'a> {
    files: BTreeMap<String, String>,
    lasting: bool,
    steps: Vec<&'a str>,
    text: &'a str,
}

impl<'a> Story<'a> {
    fn of(text: &'a str) -> Story<'a> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut file: Option<String> = None;
        let mut steps = Vec::new();
        for line in text.lines() {
            if let Some(inside) = line.strip_prefix(INDENT) {
                if let Some(text) = file.as_ref().and_then(|file| files.get_mut(file)) {
                    writeln!(text, "{inside}").unwrap();
                }
                continue;
            }
            file = line.strip_prefix("file ").map(|path| path.trim().to_owned());
            match &file {
                Some(path) => drop(files.insert(path.clone(), String::new())),
                None if line == "demo" => files.extend(demo()),
                None if line.is_empty() || line.starts_with('#') => {}
                None => steps.push(line),
            }
        }
        let lasting = steps.iter().any(|step| step.ends_with("restart") || step.ends_with("kill"));
        Story { files, lasting, steps, text }
    }

    /// The same text with what is seen now.
    fn tell(&self) -> String {
        let files: Vec<(&str, &str)> = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let world = if self.lasting { World::lasting(&files) } else { World::of(&files) };
        let mut stage = Stage { world, v5: None, v3: None, subscriber: None, rejections_seen: 0 };
        let mut told = String::new();
        let mut steps = self.steps.iter().peekable();
        let mut in_file = false;
        for line in self.text.lines() {
            if line.starts_with(INDENT) {
                if in_file {
                    writeln!(told, "{line}").unwrap();
                }
                continue;
            }
            writeln!(told, "{line}").unwrap();
            in_file = line.starts_with("file ");
            if let Some(step) = steps.next_if(|step| **step == line) {
                for seen in stage.step(step).lines() {
                    writeln!(told, "{INDENT}{}", shortened(seen)).unwrap();
                }
            }
        }
        told
    }
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The workspace that the repository's root is.
fn demo() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["schemas", "twins"].into_iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let file = |path: PathBuf| (path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap());
    files.map(|entry| file(entry.unwrap().path())).collect()
}

struct Stage {
    world: World,
    v5: Option<Sender>,
    v3: Option<Sender>,
    subscriber: Option<Client>,
    rejections_seen: u64,
}

impl Stage {
    fn step(&mut self, step: &str) -> String {
        let (time, step) = match step.split_once(' ') {
            Some((time, rest)) if time.starts_with(|c: char| c.is_ascii_digit()) => (Some(time), rest.trim_start()),
            Some(_) | None => (None, step),
        };
        if let Some(time) = time {
            self.world.clock.set(at(time));
            self.world.time_has_passed();
        }
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let rest = rest.trim();
        match verb {
            "mqtt" => self.with_v5(|sender, topic, payload| sender.publish(topic, payload), rest),
            "mqtt3" => self.with_v3(|sender, topic, payload| sender.publish(topic, payload), rest),
            "mqtt0" => {
                self.with_v5(|sender, topic, payload| sender.mention(topic, payload), rest);
                self.world.settled();
                self.world.time_has_passed();
                String::new()
            }
            "bytes" => self.bytes(rest),
            "http" => {
                let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
                answer(self.world.post(path, payload(body)))
            }
            "get" => answer(self.world.get(rest)),
            "twin" | "look" => twin(&self.world.json(&format!("/admin/twins/{rest}")), verb == "twin"),
            "twins" => twins(&self.world.json("/admin/twins")),
            "stored" => {
                self.world.projected();
                stored(&self.world.row(rest))
            }
            "rejections" => self.rejections(),
            "metrics" => self.metrics(rest),
            "actor" => self.actor(rest),
            "subscribe" => self.subscribe(rest),
            "received" => self.received(rest.parse().unwrap()),
            "settle" => {
                self.world.settled();
                self.world.time_has_passed();
                String::new()
            }
            "restart" | "kill" => {
                (self.v5, self.v3, self.subscriber) = (None, None, None);
                if verb == "kill" {
                    self.world.kill()
                } else {
                    self.world.stop()
                }
                self.world.start();
                let found = self.world.app().found;
                format!("{} twins, {} edges", found.twins, found.edges)
            }
            "write" => {
                let (path, text) = rest.split_once(' ').unwrap();
                self.world.write(path, &text.replace('⏎', "\n"));
                String::new()
            }
            _ => panic!("`{verb}` is nothing that can happen in a story; the list is at the top of tests/it/scenario.rs"),
        }
    }

    fn with_v5<T>(&mut self, act: impl FnOnce(&mut Sender, &str, &[u8]) -> T, rest: &str) -> T {
        let address = self.world.mqtt();
        let sender = self.v5.get_or_insert_with(|| Sender::v5(address, "device-5"));
        let (topic, text) = rest.split_once(' ').unwrap_or((rest, ""));
        act(sender, &repeated(topic), &payload(text))
    }

    fn with_v3<T>(&mut self, act: impl FnOnce(&mut Sender, &str, &[u8]) -> T, rest: &str) -> T {
        let address = self.world.mqtt();
        let sender = self.v3.get_or_insert_with(|| Sender::v3(address, "device-3"));
        let (topic, text) = rest.split_once(' ').unwrap_or((rest, ""));
        act(sender, &repeated(topic), &payload(text))
    }

    fn bytes(&self, text: &str) -> String {
        let mut client = Client::to(self.world.mqtt());
        client.try_send(&bytes(text));
        client.finish_sending();
        let mut heard = String::new();
        while let Some(packet) = client.packet() {
            writeln!(heard, "{}", words(&packet)).unwrap();
        }
        heard + "closed"
    }

    fn rejections(&mut self) -> String {
        self.world.projected();
        let page = self.world.json("/admin/rejections?limit=1000");
        let mut rows: Vec<&Json> = page["rejections"].as_array().unwrap().iter().collect();
        rows.retain(|row| row["seq"].as_u64().unwrap() > self.rejections_seen);
        // The newest come first; a story is told in order.
        rows.reverse();
        self.rejections_seen = rows.iter().filter_map(|row| row["seq"].as_u64()).max().unwrap_or(self.rejections_seen);
        let text = |row: &Json, name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let line = |row: &Json| {
            let (code, twin, field) = (text(row, "code"), text(row, "twin"), text(row, "field"));
            let place = format!("{twin} {field} {}", text(row, "address"));
            format!("{} {code} {place}: {} | {}\n", short_time(&text(row, "at")), text(row, "message"), text(row, "excerpt").escape_debug())
        };
        rows.into_iter().map(line).collect()
    }

    fn metrics(&self, prefix: &str) -> String {
        let (_, page) = self.world.get("/metrics");
        let lines = page.lines().filter(|line| line.starts_with(prefix) && !line.ends_with(" 0"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn actor(&self, rest: &str) -> String {
        let (id, wanted) = rest.split_once(' ').unwrap_or((rest, ""));
        let observe = || self.world.app().runtime.observe(id).unwrap();
        self.world.until("the actor is in the state wanted", || wanted.is_empty() || observe().state == wanted);
        let seen = observe();
        format!("{} restarts {}", seen.state, seen.restarts)
    }

    fn subscribe(&mut self, filter: &str) -> String {
        let client = self.subscriber.get_or_insert_with(|| Sender::v3(self.world.mqtt(), "subscriber").client);
        client.send(&packet(0x82, &format!("0001 \"{filter}\" 00")));
        let suback = client.packet().unwrap();
        format!("granted {:02X}", suback[4])
    }

    fn received(&mut self, count: usize) -> String {
        let client = self.subscriber.as_mut().expect("somebody has subscribed");
        let message = |packet: Vec<u8>| {
            let (length, rest) = body(&packet).split_at(2);
            let (topic, payload) = rest.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
            format!("{} {}\n", String::from_utf8_lossy(topic), String::from_utf8_lossy(payload))
        };
        let heard = (0..count).map(|_| message(client.packet().unwrap())).collect();
        // And nothing else.
        client.ping();
        heard
    }
}

/// A payload as a story writes it.
fn payload(text: &str) -> Vec<u8> {
    let text = repeated(text).replace('⏎', "\n");
    let mut out = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(hex) = rest.strip_prefix("\\x").and_then(|rest| rest.get(..2)).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(hex);
            rest = &rest[4..];
        } else if let Some(after) = rest.strip_prefix("@ms:") {
            let (time, after) = clock_time(after);
            out.extend((at(time).0 / 1000).to_string().as_bytes());
            rest = after;
        } else if let Some((time, after)) = rest.strip_prefix('@').map(clock_time).filter(|(time, _)| !time.is_empty()) {
            out.extend(format!("\"{}\"", at(time)).as_bytes());
            rest = after;
        } else {
            out.extend(c.to_string().as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn clock_time(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

/// `«ab»*3` is `ababab`.
fn repeated(text: &str) -> String {
    let Some((before, rest)) = text.split_once('«') else { return text.to_owned() };
    let (part, rest) = rest.split_once("»*").expect("«text»*count");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let count = rest[..end].parse().expect("«text»*count");
    format!("{before}{}{}", part.repeat(count), repeated(&rest[end..]))
}

/// Times of the day of the stories without the day.
fn short_time(text: &str) -> String {
    text.strip_prefix("2026-01-01T").and_then(|time| time.strip_suffix('Z')).unwrap_or(text).to_owned()
}

fn answer((status, body): (u16, String)) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(&body) else { return format!("{status} {body}") };
    let Some(fields) = json.as_object_mut() else { return format!("{status} {json}") };
    // It depends on how many twins the workspace has.
    fields.remove("seq");
    let items = fields.remove("items");
    let mut text = format!("{status} {json}\n");
    for item in items.as_ref().and_then(Json::as_array).into_iter().flatten() {
        let tally = item["readings"].as_object().into_iter().flatten().filter(|(_, count)| count.as_u64() != Some(0));
        let tally: String = tally.map(|(name, count)| format!(" {name} {count}")).collect();
        let error = item
            .get("error")
            .map_or(String::new(), |error| format!(" {} {}", error["code"].as_str().unwrap(), error["message"].as_str().unwrap()));
        writeln!(text, "{}{tally}{error}", item["status"].as_str().unwrap()).unwrap();
    }
    text
}

fn twin(shown: &Json, with_revision: bool) -> String {
    let mut text = format!("{} : {}", shown["id"].as_str().unwrap(), shown["type"].as_str().unwrap());
    if shown["name"] != shown["id"] {
        write!(text, " \"{}\"", shown["name"].as_str().unwrap()).unwrap();
    }
    let revision = if with_revision { format!(", revision {}", shown["revision"]) } else { String::new() };
    writeln!(text, "{revision}").unwrap();
    for section in ["properties", "telemetry", "computed"] {
        for (path, slot) in shown[section].as_object().unwrap().iter().filter(|(_, slot)| !slot["value"].is_null()) {
            let word = |name: &str| slot[name].as_str().map_or(String::new(), |word| format!(" {word}"));
            let unit = if slot["unit"].is_null() { String::new() } else { word("unit") };
            let time = slot["time"].as_str().map_or(String::new(), short_time);
            write!(text, "{path} = {}{unit}{}{} @{time}", slot["value"], word("quality"), word("reason")).unwrap();
            if slot["receivedAt"] != slot["time"] {
                write!(text, " received {}", short_time(slot["receivedAt"].as_str().unwrap())).unwrap();
            }
            if let Some(sent) = slot["sentTime"].as_str() {
                write!(text, " sent {}", short_time(sent)).unwrap();
            }
            if slot["stale"] == Json::Bool(true) {
                text.push_str(" STALE");
            }
            text.push('\n');
        }
    }
    for alarm in shown["alarms"].as_array().unwrap() {
        let word = |name: &str| alarm[name].as_str().unwrap_or_default();
        let (count, acknowledged) = (alarm["count"].as_u64().unwrap(), alarm["acknowledged"] == Json::Bool(true));
        write!(
            text,
            "! {}/{} {} {} since {}",
            word("rule"),
            alarm["no"],
            word("severity"),
            word("condition"),
            short_time(word("raisedAt"))
        )
        .unwrap();
        if count > 1 {
            write!(text, ", {count} times").unwrap();
        }
        if acknowledged {
            text.push_str(", acknowledged");
        }
        for (mark, name) in [("flood", ", in a flood"), ("firstOut", ", its first")] {
            if alarm[mark] == Json::Bool(true) {
                text.push_str(name);
            }
        }
        writeln!(text, ": {}", word("text")).unwrap();
    }
    if let Some(since) = shown["flood"]["since"].as_str() {
        let first = shown["flood"]["firstOut"].as_str().unwrap();
        writeln!(text, "a flood since {}, first {first}, {} alarms", short_time(since), shown["flood"]["raised"]).unwrap();
    }
    for detector in shown["detectors"].as_array().into_iter().flatten() {
        let timers = detector["timers"].as_object().unwrap().iter();
        let timers: Vec<String> = timers.map(|(name, due)| format!("{name} until {}", short_time(due.as_str().unwrap()))).collect();
        let (rule, state) = (detector["rule"].as_str().unwrap(), detector["state"].as_str().unwrap());
        writeln!(text, "{rule} is {state} {} {}", detector["variables"], timers.join(", ")).unwrap();
    }
    for trouble in shown["troubles"].as_array().into_iter().flatten() {
        let word = |name: &str| trouble[name].as_str().unwrap_or_default();
        writeln!(text, "? {} of {} {}x: {}", word("code"), word("rule"), trouble["count"], word("message")).unwrap();
    }
    for pending in shown["asked"].as_array().into_iter().flatten() {
        writeln!(text, "waits for {}", pending["request"]["key"].as_str().unwrap()).unwrap();
    }
    if let Some(disabled) = shown["disabledRules"].as_array() {
        writeln!(text, "off: {}", Json::Array(disabled.clone())).unwrap();
    }
    for (direction, other) in [("out", "to"), ("in", "from")] {
        for edge in shown["relations"][direction].as_array().into_iter().flatten() {
            let arrow = if direction == "out" { "->" } else { "<-" };
            writeln!(text, "{arrow} {} {}", edge["name"].as_str().unwrap(), edge[other].as_str().unwrap()).unwrap();
        }
    }
    text
}

fn twins(page: &Json) -> String {
    let line =
        |twin: &Json| format!("{} : {}, revision {}\n", twin["id"].as_str().unwrap(), twin["type"].as_str().unwrap(), twin["revision"]);
    page["twins"].as_array().unwrap().iter().map(line).collect()
}

fn stored(row: &Json) -> String {
    let mut text = format!("{} revision {}\n", row["type"].as_str().unwrap(), row["revision"]);
    for (path, member) in ["properties", "values"].into_iter().flat_map(|section| row[section].as_object().unwrap()) {
        writeln!(text, "{path} = {} {}", member["v"], member["q"].as_str().unwrap()).unwrap();
    }
    text
}
