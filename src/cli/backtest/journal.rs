//! A workspace's own journal as a recording: what came in, as it came in. It is only read.
//!
//! The journal numbers its twins. Those of whose creation it does not hold the entry any more are named by the graph store, which can be asked
//! while no Pollux runs on the data folder.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::app;
use crate::app::trial::Recorder;
use crate::backtest::Found;
use crate::catalog::Catalog;
use crate::config::{Config, Environment};
use crate::journal::{self, checkpoint};
use crate::reading::Seq;
use crate::store::Store;

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
    let file: Arc<str> = settings.dir.display().to_string().into();
    let mut recorder = Recorder::new(file.clone(), catalog);
    // A running Pollux has its store to itself, and a store elsewhere belongs to whoever writes to it; the journal can be read all the same.
    if config.store.url.is_none() && data.join("graph").is_dir() && journal::check_free(&settings).is_ok() {
        let store = app::store_config(config, workspace, &data, environment)?;
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to run on")?;
        threads.block_on(ask(&mut recorder, store)).context("the graph store cannot be asked for the names of the twins")?;
    }
    let mut failed = None;
    journal::read(&settings.dir, Seq(1), &mut |seq, bytes| match recorder.entry(seq, bytes, &|_| None, take) {
        Ok(_) => ControlFlow::Continue(()),
        Err(reason) => {
            failed = Some((seq, reason));
            ControlFlow::Break(())
        }
    })?;
    match failed {
        Some((seq, reason)) => Err(reason).with_context(|| format!("entry {seq} of the journal {file} cannot be read")),
        None => Ok(()),
    }
}

async fn ask(recorder: &mut Recorder, settings: crate::store::Config) -> anyhow::Result<()> {
    let store = Store::open(settings).await?;
    store.load_types(&mut |record| recorder.know_layout(record.fingerprint, || Arc::new(record.restore()))).await?;
    let mut found = Vec::new();
    let find = |fingerprint: u64| recorder.layout(fingerprint);
    store
        .load_checkpoints(&mut |row| {
            // One that cannot be read is a twin without a name, and is told with its readings.
            if let Ok(checkpoint::Saved::Twin(twin)) = checkpoint::decode(&row.bytes, &find) {
                found.push((row.no, twin.state.id.clone(), twin.state.layout.0.clone()));
            }
        })
        .await?;
    store.close().await?;
    found.into_iter().for_each(|(no, id, layout)| recorder.know_twin(no, id, layout));
    Ok(())
}
