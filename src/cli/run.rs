//! `pollux run`: a workspace, alive.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::app::workspace::{self, Loaded};
use crate::app::{App, Settings};
use crate::config::{Durability, Environment, Flags, LogFormat, check_binds};
use crate::observe::logging;
use crate::runtime::clock::Clock;
use crate::source::render_text;

/// Run a workspace: its twins come to life, and devices can publish.
///
/// Devices publish to `pollux/TWIN/telemetry` by MQTT, or to `/ingest` by HTTP; an acknowledgement means that the reading is on disk.
/// Everything that is written lies in the data folder. SIGTERM and Ctrl-C end the program in good order.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The workspace: the folder with schemas/ and twins/.
    #[arg(default_value = ".")]
    workspace: PathBuf,
    /// Where to write; one running Pollux at a time [default: `data` in the workspace].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen for HTTP [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where to listen for MQTT 3.1.1 and 5 [default: 127.0.0.1:1883].
    #[arg(long, value_name = "ADDR")]
    mqtt: Option<SocketAddr>,
    /// Also run the devices of the demo plant, as MQTT clients.
    #[arg(long)]
    demo: bool,
}

pub fn run(args: &RunArgs, complaints: &mut dyn Write) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.workspace.is_dir(), "there is no folder {}; `pollux new DIR` makes a workspace", args.workspace.display());
    let environment = Environment::of_process();
    // A path on the command line is meant from where one stands, not from the workspace.
    let data = args.data.as_deref().map(std::path::absolute).transpose()?;
    let flags = Flags { http: args.http, mqtt: args.mqtt, data };
    let Loaded { sources, catalog, config, problems } = workspace::load(&args.workspace, &environment, &flags)?;
    write!(complaints, "{}", render_text(&sources, &problems, std::io::stderr().is_terminal()))?;
    if problems.has_errors() {
        writeln!(complaints, "pollux: nothing was started, because the workspace has errors; `pollux check` lists them again")?;
        return Ok(ExitCode::FAILURE);
    }
    check_binds(&config)?;
    let format = match config.log.format {
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    };
    logging::start(&logging::Config { format, filter: config.log.filter.clone() })?;
    raise_file_limit();
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("pollux").build().context("no threads to run on")?;
    let settings = Settings {
        workspace: args.workspace.clone(),
        config,
        environment,
        catalog: Arc::new(catalog),
        clock: Clock::system(),
        demo: args.demo,
    };
    threads.block_on(serve(settings))?;
    Ok(ExitCode::SUCCESS)
}

/// Every connection is an open file, and the customary limit of 1024 is far below what we can serve.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "the limit of open files could not be raised; connections beyond it are refused");
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let config = settings.config.clone();
    let data = config.data_folder(&settings.workspace);
    let demo = settings.demo;
    let app = tokio::select! {
        app = App::start(settings) => app?,
        _ = terminated.recv() => return Ok(()),
        _ = interrupted.recv() => return Ok(()),
    };
    info!(
        http = %app.http,
        mqtt = app.mqtt.map(tracing::field::display),
        data = %data.display(),
        twins = app.runtime.view().count(),
        created = app.applied.created,
        left_deleted = app.applied.left_deleted,
        replayed = app.found.replayed,
        durability = match config.journal.durability { Durability::Fsync => "fsync", Durability::Os => "os" },
        "ready"
    );
    if demo {
        info!(
            "the demo plant is running: try `pollux twins`, `pollux twin mixer-1`, `pollux rejections`, or http://{}/admin/twins",
            app.http
        );
    }
    tokio::select! {
        _ = terminated.recv() => info!("terminating"),
        _ = interrupted.recv() => info!("interrupted"),
    }
    app.stop().await
}
