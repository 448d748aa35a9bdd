//! The configuration: `pollux.toml` of the workspace, then the environment, then flags; the later wins.
//!
//! Every setting has a default, so the file may be absent. Nobody else reads the file or the environment. Sections are plain structs;
//! `app` turns them into the configuration of each module.

mod binds;
mod check;
mod environment;
mod file;
mod help;
pub mod kind;
mod repeated;
mod secret;
mod sections;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use binds::{InsecureBinds, check_binds};
pub use environment::Environment;
pub use help::render_settings;
pub use secret::{Secret, SecretError};
pub use sections::{
    Broker, BrokerUrl, Data, Durability, Graphql, GraphqlLimits, Http, IntrospectionSetting, Journal, Log, LogFormat, Mqtt, Protocol,
    Runtime, Security, Store, Views, Webhook,
};
pub use setting::{Section, Setting, variable};

use crate::source::{Diagnostics, Sources, Span};

/// The name of the file in a workspace.
pub const FILE_NAME: &str = "pollux.toml";

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    pub data: Data,
    pub http: Http,
    pub graphql: Graphql,
    pub graphql_limits: GraphqlLimits,
    pub mqtt: Mqtt,
    pub journal: Journal,
    pub store: Store,
    pub runtime: Runtime,
    pub security: Security,
    pub log: Log,
    /// In the order of the file; their names differ.
    pub brokers: Vec<Broker>,
    /// Likewise.
    pub webhooks: Vec<Webhook>,
}

/// What the command line sets.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub http: Option<SocketAddr>,
    pub mqtt: Option<SocketAddr>,
    pub data: Option<PathBuf>,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    File(Span),
    /// The place is in the pseudo-file `environment`.
    Environment(Span),
    Flag(&'static str),
}

/// By section and key. What is not here has its default.
pub type Origins = BTreeMap<(&'static str, &'static str), Origin>;

/// All that is known after reading. With errors among the problems the configuration must not be used.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub origins: Origins,
    pub problems: Diagnostics,
}

/// Reads the settings of a workspace. The file (and what the environment sets) joins `sources`, so that problems can be drawn.
pub fn load(sources: &mut Sources, workspace: &Path, environment: &Environment, flags: &Flags) -> Loaded {
    let mut loaded = Loaded { config: Config::default(), origins: Origins::new(), problems: Diagnostics::new() };
    file::apply(sources, &workspace.join(FILE_NAME), &mut loaded);
    environment.apply(sources, &mut loaded);
    loaded.apply_flags(flags);
    check::check(&mut loaded);
    loaded.problems = std::mem::take(&mut loaded.problems).sorted();
    loaded
}

impl Config {
    /// All sections but the brokers and webhooks, in the order of the help.
    pub fn sections(&self) -> [&dyn Section; 10] {
        [
            &self.data,
            &self.http,
            &self.graphql,
            &self.graphql_limits,
            &self.mqtt,
            &self.journal,
            &self.store,
            &self.runtime,
            &self.security,
            &self.log,
        ]
    }

    fn section_mut(&mut self, name: &str) -> Option<&mut dyn Section> {
        let sections: [&mut dyn Section; 10] = [
            &mut self.data,
            &mut self.http,
            &mut self.graphql,
            &mut self.graphql_limits,
            &mut self.mqtt,
            &mut self.journal,
            &mut self.store,
            &mut self.runtime,
            &mut self.security,
            &mut self.log,
        ];
        sections.into_iter().find(|section| section.name() == name)
    }

    /// The data folder. A relative one lies in the workspace.
    pub fn data_folder(&self, workspace: &Path) -> PathBuf {
        workspace.join(&self.data.folder)
    }
}

impl Loaded {
    fn apply_flags(&mut self, flags: &Flags) {
        if let Some(listen) = flags.http {
            self.config.http.listen = listen;
            self.origins.insert(("http", "listen"), Origin::Flag("--http"));
        }
        if let Some(listen) = flags.mqtt {
            self.config.mqtt.listen = listen;
            self.origins.insert(("mqtt", "listen"), Origin::Flag("--mqtt"));
        }
        if let Some(folder) = &flags.data {
            self.config.data.folder = folder.clone();
            self.origins.insert(("data", "folder"), Origin::Flag("--data"));
        }
    }
}
