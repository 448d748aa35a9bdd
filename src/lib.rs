//! Pollux, an actor-based digital-twin runtime: each asset and device is a live actor that takes in measurements, and everything anyone is
//! told has been committed before.
//!
//! # One measurement, from wire to reader
//!
//! ```text
//! device ─▶ ingress ─▶ codec ─▶ runtime::door ─▶ TwinActor: step(), apply() ─▶ journal: append, group fsync ═ THE COMMIT GATE ═▶ release
//!                                                          view (readers) · PUBACK / reply · feed (followers) · store (graph, checkpoints)
//! ```
//!
//! # Invariants
//!
//! 1. Twin state changes only in `apply`; `step` is pure; time, randomness and ids come in as arguments.
//! 2. Replaying the journal gives the live state, bit for bit, including windows, timers, pending alarms and detector states.
//! 3. An acknowledged reading is on disk. Nothing that a reader, a device, a model or a webhook saw can be taken back by a crash.
//! 4. Bad data never stops an actor, a connection or the process; it becomes a rejection with a reason.
//! 5. One twin's events are totally ordered (`revision`); all commits are ordered (`seq`). Per device, order is kept from wire to twin.
//! 6. Late, duplicate and out-of-order readings have a defined outcome and are counted; the latest value is the newest by event time, not by
//!    arrival.
//! 7. A slow model, subscriber, webhook, disk projection or object store never delays ingest beyond its named bound.
//! 8. Every queue, cache, page, payload and loop has a named bound.
//! 9. `surrealdb` is named only in `store`, `ort` and `tract` only in `model`, the MQTT crates only in `ingress`, `async_graphql` only in
//!    `api`, `datafusion`/`parquet` only in `history`, `ractor` only in `runtime`.
//!
//! # Words
//!
//! type · twin (ASSET or DEVICE) · reading · delivery · event · effect · change · command · rule · alarm · detector · model (ONNX only) ·
//! attachment · relation · hierarchy · scene · workspace. One word per thing, in code, GraphQL, logs and files.
//!
//! # Modules
//!
//! The pure ones first: no tokio, no ractor, no clock, no I/O. Then the edges, each of which owns one outside technology and imports no other
//! edge. Then the shell. `tests/it/tidy.rs` holds the table of who may use whom.

// Pure.
pub mod alarm;
pub mod backtest;
pub mod catalog;
pub mod codec;
pub mod expr;
pub mod iotevents;
pub mod reading;
pub mod rollup;
pub mod rule;
pub mod source;
pub mod summary;
pub mod twin;
pub mod window;

// Edges.
pub mod feed;
pub mod ingress;
pub mod journal;
pub mod model;
pub mod store;
pub mod view;
pub mod webhook;

// Shell.
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod observe;
pub mod runtime;
