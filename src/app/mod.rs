//! The composition root: builds every part from the settings, connects them, opens the ports, and takes it all down again in order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::api::Api;
use crate::api::prepare::Trusted;
use crate::api::publish::Publish;
use crate::api::revision::Choice;
use crate::catalog::Catalog;
use crate::catalog::binding::{Level, Source};
use crate::config::{BrokerUrl, Config, Durability, Environment, Protocol};
use crate::http::graphql::{Origins, Served};
use crate::ingress::counters::Counters;
use crate::ingress::mqtt::Endpoint;
use crate::ingress::remote::Remote;
use crate::ingress::{Door, Permits, mqtt, remote};
use crate::runtime::clock::Clock;
use crate::runtime::door::TwinDoor;
use crate::runtime::files::Applied;
use crate::runtime::{Found, Parts, Runtime};
use crate::store::Store;
use crate::webhook::Hooks;
use crate::{api, demo, http, journal, runtime, store};

use follow::Follower;
use ways::Ways;

mod follow;
mod hooks;
mod page;
mod publish;
mod secret;
pub mod trial;
mod ways;
pub mod workspace;
pub(crate) mod write;

/// How long connections may take to end after they were asked to.
const GOODBYE_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a connection to a broker that has crashed is left alone.
const CRASH_PAUSE: Duration = Duration::from_secs(1);

/// What a program is built from. The configuration has been checked.
#[derive(Debug)]
pub struct Settings {
    pub workspace: PathBuf,
    pub config: Config,
    pub environment: Environment,
    pub catalog: Arc<Catalog>,
    pub clock: Clock,
    /// Run the devices of the demo plant, too.
    pub demo: bool,
}

/// A running program.
#[derive(Debug)]
pub struct App {
    pub runtime: Arc<Runtime>,
    pub api: Arc<Api>,
    pub hooks: Arc<Hooks>,
    pub http: SocketAddr,
    /// `None` if the embedded endpoint is switched off.
    pub mqtt: Option<SocketAddr>,
    pub applied: Applied,
    pub found: Found,
    /// Ends what brings readings in.
    closing: CancellationToken,
    ports: TaskTracker,
    stop_wait_max: Duration,
    /// Keeps the files of the workspace for as long as it runs.
    _follower: Arc<Follower>,
}

impl App {
    pub async fn start(settings: Settings) -> anyhow::Result<App> {
        let Settings { workspace, config, environment, catalog, clock, demo } = settings;
        let data = config.data_folder(&workspace);
        std::fs::create_dir_all(&data).with_context(|| format!("the data folder {} cannot be made", data.display()))?;
        let journal = journal_config(&config, &data);
        // The store is not even touched by a second process: opening it makes one its writer.
        journal::check_free(&journal)?;
        let hooks = Arc::new(hooks::hooks(&config, &workspace, &environment, &clock.0)?);
        let store =
            Store::open(store_config(&config, &workspace, &data, &environment)?).await.context("the graph store cannot be opened")?;
        let parts = Parts { config: runtime_config(&config), clock: clock.clone(), journal, store, catalog: catalog.clone() };
        let (runtime, applied) = Box::pin(Runtime::start(parts)).await?;

        let permits = Arc::new(Permits::new(config.runtime.deliveries_in_flight_max));
        let door: Arc<dyn Door> = Arc::new(TwinDoor::new(runtime.clone()));
        let (closing, ports) = (CancellationToken::new(), TaskTracker::new());
        let counters = Arc::new(Counters::default());
        let endpoint = match config.mqtt.enabled {
            true => {
                let endpoint = Endpoint::bind(mqtt_config(&config), door.clone(), permits.clone(), clock.0.clone(), counters.clone());
                Some(Arc::new(endpoint.with_context(|| taken("mqtt", config.mqtt.listen))?))
            }
            false => None,
        };
        let remotes = remotes(&config, &workspace, &environment, &catalog, &door, &permits, &clock)?;
        let api = Arc::new(api(&config, &workspace, &data, &runtime, &catalog, &door, &permits)?);
        let gauges = page::Sources {
            runtime: runtime.clone(),
            mqtt: counters,
            remotes: remotes.clone(),
            hooks: hooks.clone(),
            permits: permits.clone(),
            permits_max: config.runtime.deliveries_in_flight_max,
        };
        let site = http::Site {
            config: http_config(&config),
            runtime: runtime.clone(),
            door,
            permits,
            clock: clock.clone(),
            metrics: Arc::new(move || page::render(&gauges)),
        };
        let listener = tokio::net::TcpListener::bind(config.http.listen).await.with_context(|| taken("http", config.http.listen))?;
        let http = listener.local_addr()?;
        let served = Arc::new(Served(api.clone()));
        let graphql = http::graphql::routes(served, graphql_settings(&config)?, closing.clone(), ports.clone());
        let (stop_http, connections_max) = (closing.clone(), config.http.connections_max);
        ports.spawn(async move {
            let listener = http::Listener::new(listener, connections_max, http::listener::STALL_MAX);
            let routes = http::routes(site).merge(graphql).into_make_service_with_connect_info::<http::Peer>();
            let served = axum::serve(listener, routes).with_graceful_shutdown(stop_http.cancelled_owned()).await;
            if let Err(error) = served {
                warn!(%error, "the http door has closed");
            }
        });
        let mqtt = endpoint.as_ref().map(|endpoint| endpoint.local_addr());
        runtime.let_out(Arc::new(Ways { mqtt: endpoint.clone(), hooks: hooks.clone() }));
        if let Some(endpoint) = endpoint {
            let stop = closing.clone();
            ports.spawn(async move { endpoint.run(stop).await });
        }
        for remote in remotes {
            ports.spawn(keep_running(remote, closing.clone()));
        }
        ports.spawn(hooks::keep_calling(hooks.clone(), closing.clone()));
        let (of, files) = (workspace.clone(), tokio::sync::Mutex::default());
        let follower =
            Arc::new(Follower { workspace: of, runtime: runtime.clone(), api: api.clone(), taken: files, trials: Arc::default() });
        let publisher: Arc<dyn Publish> = follower.clone();
        api.publish_through(&publisher);
        if config.runtime.follow_files {
            ports.spawn(follower.clone().run(closing.clone()));
        }
        if let (true, Some(address)) = (demo, mqtt) {
            ports.spawn(demo::run(address, clock.0.clone(), closing.clone()));
        }
        let found = runtime.found();
        Ok(App {
            runtime,
            api,
            hooks,
            http,
            mqtt,
            applied,
            found,
            closing,
            ports,
            stop_wait_max: config.runtime.stop_wait_max,
            _follower: follower,
        })
    }

    /// Closes the doors, lets what is under way be committed and acknowledged, saves everything, and lets go of the files.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.closing.cancel();
        self.ports.close();
        if tokio::time::timeout(GOODBYE_WAIT_MAX, self.ports.wait()).await.is_err() {
            warn!("some connections did not end in time; what they sent and did not hear of will come again");
        }
        let saved = tokio::time::timeout(self.stop_wait_max, self.runtime.shut_down()).await;
        saved.context("not everything was saved within `runtime.stop_wait_max`; the journal has it, and the next start takes longer")?;
        info!("stopped");
        Ok(())
    }
}

/// The broker's bytes go through a library without a strict check of ours before it: if it ever panics, the connection is made anew.
#[expect(clippy::disallowed_methods, reason = "the task is awaited right here, for the sake of its panic")]
async fn keep_running(remote: Arc<Remote>, closing: CancellationToken) {
    loop {
        let (running, stop) = (remote.clone(), closing.clone());
        let ended = tokio::spawn(async move { running.run(stop).await }).await;
        match ended {
            Ok(()) => return,
            Err(error) => warn!(broker = remote.name(), %error, "the connection to the broker has crashed and is made anew"),
        }
        tokio::time::sleep(CRASH_PAUSE).await;
    }
}

fn taken(door: &str, address: SocketAddr) -> String {
    format!("{door} cannot listen on {address}; if something else listens there, choose another address with --{door} or in pollux.toml")
}

fn runtime_config(config: &Config) -> runtime::Config {
    let settings = &config.runtime;
    runtime::Config {
        passivate_after: settings.passivate_after,
        awake_twins_max: settings.awake_twins_max,
        project_every: settings.project_every,
        checkpoint_every: settings.checkpoint_every,
        restarts_max: settings.restarts_max,
        restart_window: settings.restart_window,
        fault_rest: settings.fault_rest,
        future_tolerance: settings.future_tolerance,
        rejections_per_second_max: settings.rejections_per_second_max,
        provisioned_twins_max: settings.provisioned_twins_max,
        idempotency_keys_max: runtime::Config::default().idempotency_keys_max,
    }
}

/// The journal of a data folder, as the settings want it.
pub fn journal_config(config: &Config, data: &Path) -> journal::Config {
    let settings = &config.journal;
    journal::Config {
        segment_bytes: settings.segment_bytes.0,
        group_bytes_max: settings.group_bytes_max.as_usize(),
        pending_bytes_max: settings.pending_bytes_max.as_usize(),
        durability: match settings.durability {
            Durability::Fsync => journal::Durability::Fsync,
            Durability::Os => journal::Durability::Os,
        },
        ..journal::Config::new(data.join("journal"))
    }
}

/// The graph store of a data folder, as the settings want it.
pub fn store_config(config: &Config, workspace: &Path, data: &Path, environment: &Environment) -> anyhow::Result<store::Config> {
    let settings = &config.store;
    let url = match &settings.url {
        Some(url) => url.clone(),
        None => format!("surrealkv://{}", data.join("graph").display()),
    };
    let password = environment.secret(workspace, settings.password_file.as_deref(), settings.password_env.as_deref()).context("[store]")?;
    let credentials = settings.username.clone().zip(password);
    Ok(store::Config {
        namespace: settings.namespace.clone(),
        database: settings.database.clone(),
        sync_every: settings.sync_every,
        credentials: credentials.map(|(username, password)| store::Credentials { username, password: password.reveal().to_owned() }),
        call_wait_max: settings.call_wait_max,
        rejections_max: settings.rejections_max,
        ..store::Config::at(url)
    })
}

fn mqtt_config(config: &Config) -> mqtt::Config {
    let settings = &config.mqtt;
    mqtt::Config {
        listen: settings.listen,
        connections_max: settings.connections_max,
        packet_bytes_max: settings.packet_bytes_max.as_usize(),
        connect_timeout: settings.connect_timeout,
        write_timeout: settings.write_timeout,
        offered_packets_max: settings.offered_packets_max,
        held_packets_max: settings.held_packets_max,
        held_bytes_max: settings.held_bytes_max.as_usize(),
        outgoing_bytes_max: settings.outgoing_bytes_max.as_usize(),
        subscriptions_max: settings.subscriptions_max,
        subscriber_bytes_max: settings.subscriber_bytes_max.as_usize(),
        ..mqtt::Config::default()
    }
}

/// The API of the workspace's types. `catalog` is that of the files.
fn api(
    config: &Config,
    workspace: &Path,
    data: &Path,
    runtime: &Arc<Runtime>,
    catalog: &Catalog,
    door: &Arc<dyn Door>,
    permits: &Arc<Permits>,
) -> anyhow::Result<Api> {
    let settings = &config.graphql;
    let trusted = settings.trusted_documents.as_deref().map(|folder| Trusted::load(&workspace.join(folder))).transpose()?;
    let made = Api::new(
        runtime.clone(),
        catalog,
        api::executor::Config {
            limits: config.graphql_limits.limits(),
            choice: choice(config),
            trusted,
            door: door.clone(),
            permits: permits.clone(),
            durability: match config.journal.durability {
                Durability::Fsync => "fsync",
                Durability::Os => "os",
            },
            cursor_secret: secret::kept(&data.join("cursor.key"))?,
        },
    );
    made.map_err(|issues| {
        let lines: Vec<String> = issues.into_iter().map(|issue| format!("- {}", issue.message)).collect();
        anyhow::anyhow!("the schema of the GraphQL API cannot be made:\n{}", lines.join("\n"))
    })
}

/// Which types are generated, as the settings say it.
pub fn choice(config: &Config) -> Choice {
    let settings = &config.graphql;
    Choice { generate: settings.generate.clone(), views: settings.views.0.clone(), types_generated_max: settings.types_generated_max }
}

fn graphql_settings(config: &Config) -> anyhow::Result<http::graphql::Settings> {
    let limits = &config.graphql_limits;
    Ok(http::graphql::Settings {
        body_bytes_max: limits.body_bytes_max.as_usize(),
        sockets_max: limits.sockets_max,
        sockets_per_subject_max: limits.sockets_per_subject_max,
        operations_per_socket_max: limits.operations_per_socket_max,
        outbound_bytes_per_socket_max: limits.outbound_bytes_per_socket_max.as_usize(),
        origins: Origins::parse(config.graphql.origins.iter().map(String::as_str)).context("`origins` in [graphql]")?,
        timing: http::graphql::Timing::default(),
    })
}

fn http_config(config: &Config) -> http::Config {
    let settings = &config.http;
    http::Config {
        connections_max: settings.connections_max,
        body_bytes_max: settings.body_bytes_max.as_usize(),
        items_max: settings.items_max,
        commit_wait_max: settings.commit_wait_max,
    }
}

fn remotes(
    config: &Config,
    workspace: &Path,
    environment: &Environment,
    catalog: &Catalog,
    door: &Arc<dyn Door>,
    permits: &Arc<Permits>,
    clock: &Clock,
) -> anyhow::Result<Vec<Arc<Remote>>> {
    let mut remotes = Vec::new();
    for broker in &config.brokers {
        let Some(BrokerUrl { host, port }) = &broker.url else { continue };
        let password = environment.secret(workspace, broker.password_file.as_deref(), broker.password_env.as_deref());
        let password = password.with_context(|| format!("[[broker]] {}", broker.name))?;
        let credentials = broker.username.clone().zip(password);
        let topics = if broker.topics.is_empty() { topics_of(catalog, &broker.name) } else { broker.topics.clone() };
        let settings = remote::Config {
            port: *port,
            credentials: credentials.map(|(username, password)| remote::Credentials { username, password: password.reveal().to_owned() }),
            topics,
            qos: broker.qos,
            protocol: match broker.protocol {
                Protocol::V3 => remote::Protocol::V3,
                Protocol::V5 => remote::Protocol::V5,
            },
            keep_alive: broker.keep_alive,
            session_expiry: broker.session_expiry,
            timeout: broker.timeout,
            packet_bytes_max: broker.packet_bytes_max.as_usize(),
            window_packets_max: broker.window_packets_max,
            window_bytes_max: broker.window_bytes_max.as_usize(),
            ..remote::Config::new(&broker.name, host, &broker.client_id())
        };
        let remote = Remote::new(settings, door.clone(), permits.clone(), clock.0.clone(), Arc::new(Counters::default()))?;
        remotes.push(Arc::new(remote));
    }
    Ok(remotes)
}

/// What to subscribe to if nothing is said: the topics of the bindings that have this broker as their source, and the native ones.
fn topics_of(catalog: &Catalog, broker: &str) -> Vec<String> {
    let bindings = catalog.bindings.iter().filter(|binding| matches!(&binding.source, Source::Broker(name) if &**name == broker));
    let filter = |levels: &[Level]| {
        let level = |level: &Level| match level {
            Level::Literal(text) => text.to_string(),
            Level::One(_) => "+".to_owned(),
            Level::Rest(_) => "#".to_owned(),
        };
        levels.iter().map(level).collect::<Vec<_>>().join("/")
    };
    let mut topics: Vec<String> = bindings.map(|binding| filter(&binding.topic.levels)).collect();
    topics.extend(["pollux/+/telemetry/#".to_owned(), "pollux/+/reported".to_owned()]);
    topics.sort();
    topics.dedup();
    topics
}
