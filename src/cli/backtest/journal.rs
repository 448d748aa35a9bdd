//! A workspace's own journal as a recording: what was accepted, as it came in. It is only read.
//!
//! The journal numbers its twins. Those of whose creation it does not hold the entry any more are named by the graph store, which can be asked
//! while no Pollux runs on the data folder.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::app;
use crate::backtest::{Found, Recorded, Refused, Set};
use crate::catalog::{Catalog, Layout};
use crate::config::{Config, Environment};
use crate::journal::{self, checkpoint, record};
use crate::reading::{Group, Reading, Seq, Timestamp, TwinId, TwinNo};
use crate::store::Store;
use crate::twin::{Event, Fact, Read};

pub(super) fn read(
    workspace: &Path,
    config: &Config,
    environment: &Environment,
    catalog: &Catalog,
    take: &mut dyn FnMut(Found),
) -> anyhow::Result<()> {
    let data = config.data_folder(workspace);
    let settings = app::journal_config(config, &data);
    anyhow::ensure!(
        settings.dir.is_dir(),
        "there is no journal {}: run the workspace, or give a recording with --data FILE",
        settings.dir.display()
    );
    let mut names = Names::of(catalog);
    // A running Pollux has its store to itself, and a store elsewhere belongs to whoever writes to it; the journal can be read all the same.
    if config.store.url.is_none() && data.join("graph").is_dir() && journal::check_free(&settings).is_ok() {
        let store = app::store_config(config, workspace, &data, environment)?;
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to run on")?;
        threads.block_on(names.ask(store)).context("the graph store cannot be asked for the names of the twins")?;
    }
    let file: Arc<str> = settings.dir.display().to_string().into();
    let mut failed = None;
    journal::read(&settings.dir, Seq(1), &mut |seq, bytes| match names.entry(&file, seq, bytes, take) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// Twins and forms of types by what the journal calls them.
struct Names {
    twins: HashMap<TwinNo, (TwinId, Arc<Layout>)>,
    layouts: HashMap<u64, Arc<Layout>>,
}

impl Names {
    fn of(catalog: &Catalog) -> Names {
        let layouts = catalog.types.iter().map(|layout| (layout.fingerprint, layout.clone())).collect();
        Names { twins: HashMap::new(), layouts }
    }

    async fn ask(&mut self, settings: crate::store::Config) -> anyhow::Result<()> {
        let store = Store::open(settings).await?;
        let layouts = &mut self.layouts;
        store
            .load_types(&mut |record| {
                layouts.entry(record.fingerprint).or_insert_with(|| Arc::new(record.restore()));
            })
            .await?;
        let (layouts, twins) = (&self.layouts, &mut self.twins);
        let find = |fingerprint: u64| layouts.get(&fingerprint).cloned();
        store
            .load_checkpoints(&mut |row| {
                // One that cannot be read is a twin without a name, and is told with its readings.
                if let Ok(checkpoint::Saved::Twin(twin)) = checkpoint::decode(&row.bytes, &find) {
                    twins.insert(row.no, (twin.state.id.clone(), twin.state.layout.0.clone()));
                }
            })
            .await?;
        store.close().await?;
        Ok(())
    }

    fn entry(&mut self, file: &Arc<str>, seq: Seq, bytes: &[u8], take: &mut dyn FnMut(Found)) -> anyhow::Result<()> {
        let entry = {
            let layouts = &self.layouts;
            let find = |fingerprint: u64| layouts.get(&fingerprint).cloned();
            record::decode(bytes, &find).with_context(|| format!("entry {seq} of the journal {file} cannot be read"))?
        };
        for fact in entry.facts {
            match fact {
                Fact::TypeKnown(record) => {
                    self.layouts.entry(record.fingerprint).or_insert_with(|| Arc::new(record.restore()));
                }
                Fact::Created { no, id, layout } => {
                    if let Some(layout) = self.layouts.get(&layout) {
                        self.twins.insert(no, (id, layout.clone()));
                    }
                }
                Fact::Happened { no, events, .. } => match self.twins.get_mut(&no) {
                    Some((id, layout)) => happened(id, layout, entry.at, events, take),
                    None => {
                        let message = format!(
                            "twin number {} was made before the oldest entry that is left: stop Pollux, so that its graph store can be asked for the name",
                            no.0
                        );
                        take(Found::Refused(Refused { file: file.clone(), line: seq.0, message }));
                    }
                },
                Fact::Deleted(_) | Fact::EdgeBegun(_) | Fact::EdgeEnded { .. } | Fact::Refused(_) | Fact::Edited(_) => {}
            }
        }
        Ok(())
    }
}

/// The packets behind the facts of one twin: readings of one instant that were received together.
fn happened(id: &TwinId, layout: &mut Arc<Layout>, at: Timestamp, events: Vec<Event>, take: &mut dyn FnMut(Found)) {
    let mut packet: Option<(Timestamp, Group)> = None;
    let hand_over = |packet: &mut Option<(Timestamp, Group)>, layout: &Arc<Layout>, take: &mut dyn FnMut(Found)| {
        if let Some((received, group)) = packet.take() {
            take(Found::Recorded(Recorded { twin: id.clone(), layout: layout.clone(), group, received: Some(received) }));
        }
    };
    for event in events {
        match event {
            Event::Read(Read { slot, value, time, received, sent, quality, reason, .. }) => {
                let said = sent.unwrap_or(time);
                if packet.as_ref().is_some_and(|(other, group)| *other != received || group.time != Some(said)) {
                    hand_over(&mut packet, layout, take);
                }
                if slot.index() < layout.slots.len() {
                    let (_, group) = packet.get_or_insert_with(|| (received, Group { time: Some(said), readings: Vec::new() }));
                    group.readings.push(Reading { slot, value, quality, reason });
                }
            }
            Event::Heard(_) => hand_over(&mut packet, layout, take),
            Event::PropertySet { slot, value, .. } => {
                hand_over(&mut packet, layout, take);
                if slot.index() < layout.slots.len() {
                    take(Found::Set(Set { twin: id.clone(), layout: layout.clone(), slot, value, at }));
                }
            }
            Event::Relaid(next) => {
                hand_over(&mut packet, layout, take);
                *layout = next;
            }
            Event::Rejected(_)
            | Event::Described { .. }
            | Event::Rested
            | Event::Renamed(_)
            | Event::Desired { .. }
            | Event::Computed { .. }
            | Event::Measured(_)
            | Event::Released { .. }
            | Event::Viewed { .. }
            | Event::Turned { .. }
            | Event::Happened(_)
            | Event::Asked(_)
            | Event::Ended { .. }
            | Event::Troubled(_)
            | Event::Switched { .. }
            | Event::Tuned { .. }
            | Event::TakenOut(_)
            | Event::Flood(_)
            | Event::Watched { .. }
            | Event::Moved { .. } => {}
        }
    }
    hand_over(&mut packet, layout, take);
}
