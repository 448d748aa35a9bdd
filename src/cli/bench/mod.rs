//! `pollux bench`: what performance is measured with.
//!
//! `ingest` is a plain MQTT 3.1.1 load generator that knows nothing of Pollux, so that any broker can be measured in the same way;
//! `graphql` asks and follows what those messages change; `workspace` writes the twins they are about.

mod connection;
mod graphql;
mod load;
mod report;
mod server;
mod session;
mod subscriber;
mod window;
mod wire;
mod workspace;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BenchCommand {
    /// Publish as many devices would, and report rates, latencies and what the server used.
    ///
    /// Works against Pollux and against any MQTT broker. As an example, Pollux at full speed and then mosquitto at a fixed rate:
    ///
    ///   pollux bench ingest --pid $(pidof pollux)
    ///   pollux bench ingest --mqtt 127.0.0.1:1884 --rate 20000 --pid $(pidof mosquitto)
    #[command(verbatim_doc_comment)]
    Ingest(IngestArgs),
    /// Ask and follow as many clients would, and report rates, latencies and what the server used.
    ///
    /// Works on a running workspace of `pollux bench workspace DIR --stations`. As an example:
    ///
    ///   pollux bench graphql point list --pid $(pidof pollux)
    ///   pollux bench graphql push --rate 10000 --pid $(pidof pollux)
    #[command(verbatim_doc_comment)]
    Graphql(graphql::GraphqlArgs),
    /// Write a workspace with the twins that `ingest` and `graphql` speak of; start it with `pollux run DIR`.
    Workspace(WorkspaceArgs),
}

#[derive(Debug, Clone, clap::Args)]
pub struct IngestArgs {
    /// Where the server listens for MQTT.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    mqtt: String,
    /// Connections that publish; never more than there are twins, since each twin belongs to one.
    #[arg(long, value_name = "N", default_value_t = 200)]
    connections: usize,
    /// Twins to speak for, spread over the connections.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    twins: usize,
    /// Twins are called PREFIX0, PREFIX1 and so on.
    #[arg(long, value_name = "PREFIX", default_value = "bench-")]
    twin_prefix: String,
    /// The topic of a twin's messages; {twin} stands for its id.
    #[arg(long, value_name = "TOPIC", default_value = "pollux/{twin}/telemetry")]
    topic: String,
    /// Values in a message (1 to 8).
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    readings: u8,
    #[arg(long, value_name = "QOS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    /// Unacknowledged messages that a connection allows itself (QoS 1).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    window: u16,
    /// Messages per second of all connections together, evenly paced; 0 is as fast as the server answers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u64,
    /// Event times of a twin are so far apart, as in recorded data; they begin three years ago. Without it they are the time of sending.
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    apart: Option<u64>,
    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// How long to publish before measuring.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    warmup: u64,
    /// Threads of the generator.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Process id of the server: its processor time and memory are read from /proc.
    #[arg(long)]
    pid: Option<u32>,
    /// One connection speaks for all twins, as a gateway does.
    #[arg(long)]
    gateway: bool,
    /// All messages are for one twin, PREFIX0, over one connection.
    #[arg(long, conflicts_with = "gateway")]
    one_twin: bool,
    /// Also open one plain subscriber and count what it receives; the default FILTER is all topics published to.
    #[arg(long, value_name = "FILTER", num_args = 0..=1, default_missing_value = "")]
    subscribe: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, clap::Args)]
pub struct WorkspaceArgs {
    /// The folder to write; it must be empty or absent.
    dir: PathBuf,
    /// How many twins.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    twins: usize,
    /// A thousand stations besides, which feed each other in three levels: what `graphql traverse` walks.
    #[arg(long)]
    stations: bool,
    /// How many rules the type of the twins has; every second one looks at a window, and none is ever true.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rules: usize,
}

pub fn run(args: &BenchArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.command {
        BenchCommand::Ingest(ingest) => {
            let report = load::run(ingest)?;
            match ingest.format {
                Format::Text => report.write_text(out)?,
                Format::Json => report.write_json(out)?,
            }
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        BenchCommand::Graphql(args) => {
            let is_clean = graphql::run(args, out)?;
            Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        BenchCommand::Workspace(workspace) => {
            workspace::write(&workspace.dir, workspace.twins, workspace.stations, workspace.rules)?;
            writeln!(
                out,
                "wrote {} twins to {}; start them with: pollux run {}",
                workspace.twins,
                workspace.dir.display(),
                workspace.dir.display()
            )?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The one clock of the generator.
#[expect(clippy::disallowed_methods, reason = "a load generator measures wall time")]
fn now() -> Instant {
    Instant::now()
}
