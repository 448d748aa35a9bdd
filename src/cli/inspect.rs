//! `pollux twins`, `pollux twin ID`, `pollux rejections`: a look at a running process through its HTTP door.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Where the running process is, and how to show the answer.
#[derive(Debug, clap::Args)]
pub struct Connection {
    /// The HTTP address of the running Pollux.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "POLLUX_HTTP_LISTEN")]
    http: String,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// List the twins of a running Pollux with their latest values.
#[derive(Debug, clap::Args)]
pub struct TwinsArgs {
    /// Only twins of this type and its subtypes.
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Begin behind this id.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// The most rows, up to 1000.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

/// Show one twin of a running Pollux: properties, readings, relations, and how its actor is.
#[derive(Debug, clap::Args)]
pub struct TwinArgs {
    /// The twin's id.
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// List what a running Pollux could not use, newest first, with the reason.
#[derive(Debug, clap::Args)]
pub struct RejectionsArgs {
    /// Only those of this twin.
    #[arg(long, value_name = "ID")]
    twin: Option<String>,
    /// Only those with this code, as in NOT_JSON.
    #[arg(long)]
    code: Option<String>,
    /// The most rows, up to 1000.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

pub fn twins(args: &TwinsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = [("limit", Some(&limit)), ("after", args.after.as_ref()), ("type", args.type_name.as_ref())];
    let answer = get(&args.connection, "/admin/twins", &query)?;
    show(&args.connection, &answer, out, |answer| {
        let mut text = String::new();
        for twin in list(answer, "twins") {
            let values = twin["values"].as_object().into_iter().flatten();
            let values: Vec<String> = values.map(|(name, slot)| format!("{name} {}", quantity(slot))).collect();
            writeln!(text, "{:<24} {:<18} {}", plain(&twin["id"]), plain(&twin["type"]), values.join(", "))?;
        }
        if let Some(next) = answer["next"].as_str() {
            writeln!(text, "… more with --after {next}")?;
        }
        Ok(text)
    })
}

pub fn twin(args: &TwinArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let answer = get(&args.connection, &format!("/admin/twins/{}", encoded(&args.id)), &[])?;
    show(&args.connection, &answer, out, |twin| {
        let mut text = String::new();
        writeln!(text, "{} ({}, {})", plain(&twin["id"]), plain(&twin["name"]), plain(&twin["type"]))?;
        writeln!(text, "revision {}, seq {}, last seen {}", twin["revision"], twin["seq"], plain(&twin["lastSeen"]))?;
        for section in ["properties", "telemetry"] {
            writeln!(text, "\n{section}")?;
            for (name, slot) in twin[section].as_object().into_iter().flatten() {
                let stale = if slot["stale"] == Value::Bool(true) { " stale" } else { "" };
                let reason = slot["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
                writeln!(text, "  {name:<24} {:<20} {}{reason}{stale} {}", quantity(slot), plain(&slot["quality"]), plain(&slot["time"]))?;
            }
        }
        writeln!(text, "\nrelations")?;
        for edge in list(&twin["relations"], "out") {
            writeln!(text, "  {} → {}", plain(&edge["name"]), plain(&edge["to"]))?;
        }
        for edge in list(&twin["relations"], "in") {
            writeln!(text, "  {} ← {}", plain(&edge["name"]), plain(&edge["from"]))?;
        }
        let actor = &twin["actor"];
        writeln!(text, "\nactor: {}, mailbox {}, restarts {}", plain(&actor["state"]), actor["mailbox"], actor["restarts"])?;
        if let Some(error) = actor["last_error"].as_str() {
            writeln!(text, "  last error: {error}")?;
        }
        Ok(text)
    })
}

pub fn rejections(args: &RejectionsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = [("limit", Some(&limit)), ("twin", args.twin.as_ref()), ("code", args.code.as_ref())];
    let answer = get(&args.connection, "/admin/rejections", &query)?;
    show(&args.connection, &answer, out, |answer| {
        let mut text = String::new();
        for row in list(answer, "rejections") {
            writeln!(text, "{} {} {}", plain(&row["at"]), plain(&row["code"]), plain(&row["address"]))?;
            let field = row["field"].as_str().map(|field| format!("{field}: ")).unwrap_or_default();
            writeln!(text, "  {field}{}", plain(&row["message"]))?;
            if let Some(excerpt) = row["excerpt"].as_str().filter(|excerpt| !excerpt.is_empty()) {
                writeln!(text, "  payload: {excerpt}")?;
            }
        }
        Ok(text)
    })
}

fn get(connection: &Connection, path: &str, query: &[(&str, Option<&String>)]) -> anyhow::Result<Value> {
    let url = format!("http://{}{path}", connection.http);
    let query: Vec<(&str, &String)> = query.iter().filter_map(|(name, value)| value.map(|value| (*name, value))).collect();
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(async {
        let client = reqwest::Client::builder().timeout(ANSWER_WAIT_MAX).no_proxy().build()?;
        let answer = client.get(&url).query(&query).send().await;
        let answer = answer.with_context(|| format!("nothing answers at {url}; is `pollux run` running there? --http says where"))?;
        let status = answer.status();
        let body: Value = answer.json().await.with_context(|| format!("{url} did not answer as Pollux does ({status})"))?;
        if let Some(message) = body["error"]["message"].as_str() {
            anyhow::bail!("{message}");
        }
        Ok(body)
    })
}

fn show(
    connection: &Connection,
    answer: &Value,
    out: &mut dyn Write,
    text: impl FnOnce(&Value) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    if connection.json {
        serde_json::to_writer_pretty(&mut *out, answer)?;
        writeln!(out)?;
    } else {
        out.write_all(text(answer)?.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

/// Text without quotes; nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn quantity(slot: &Value) -> String {
    let value = match slot["value"].as_f64() {
        Some(number) if slot["value"].is_f64() => format!("{}", (number * 1000.0).round() / 1000.0),
        Some(_) | None => plain(&slot["value"]),
    };
    match slot["unit"].as_str() {
        Some(unit) => format!("{value} {unit}"),
        None => value,
    }
}

/// Ids hold nothing that must be escaped; whatever else was typed must not change the path.
fn encoded(id: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b':' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    id.bytes().map(byte).collect()
}
