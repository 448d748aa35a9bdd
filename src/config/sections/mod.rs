//! The sections of `pollux.toml`, one file each: what can be set, what it means, between which bounds, and what counts if nothing is said.

mod broker;
mod data;
mod graphql;
mod http;
mod journal;
mod log;
mod mqtt;
mod runtime;
mod security;
mod store;
mod views;
mod webhook;

pub use broker::{Broker, BrokerUrl, Protocol};
pub use data::Data;
pub use graphql::{Graphql, GraphqlLimits, IntrospectionSetting};
pub use http::Http;
pub use journal::{Durability, Journal};
pub use log::{Log, LogFormat};
pub use mqtt::Mqtt;
pub use runtime::Runtime;
pub use security::Security;
pub use store::Store;
pub use views::Views;
pub use webhook::Webhook;
