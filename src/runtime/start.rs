//! Building a runtime from its parts, and taking it down so that the next start finds everything in its place.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use ractor::Actor;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::catalog::Catalog;
use crate::feed::{Feed, Publisher};
use crate::journal;
use crate::journal::disk::RealDisk;
use crate::reading::TwinNo;
use crate::store::Store;
use crate::view::View;

use super::bindings::Bindings;
use super::branch::{Branch, Shared};
use super::changes::{self, Readers};
use super::clock::Clock;
use super::committed::Committed;
use super::directory::Directory;
use super::edit::{Answers, EDITS_WAITING_MAX};
use super::layouts::Layouts;
use super::observers::Observers;
use super::outbox::Outbox;
use super::projector::{Progress, Projector};
use super::rebuild::Rebuilder;
use super::recovery::{Start, recover};
use super::refusals::Refusals;
use super::release::{Followers, Release};
use super::structure::Graph;
use super::tallies::Tallies;
use super::wakes::Wakes;
use super::warden::Warden;
use super::{Config, Runtime};

/// What a runtime is built from.
#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub journal: journal::Config,
    pub store: Store,
    pub catalog: Arc<Catalog>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Recovery(#[from] super::rebuild::Error),
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Files(#[from] super::files::Error),
    #[error("the first actor could not be started: {0}")]
    Actors(#[from] ractor::SpawnErr),
}

impl Runtime {
    pub async fn start(parts: Parts) -> Result<(Arc<Runtime>, super::files::Applied), StartError> {
        let Parts { config, clock, journal, store, catalog } = parts;
        let layouts = Arc::new(Layouts::default());
        // Today's forms come first: what was written under them is read with all that the files say of them.
        catalog.types.iter().for_each(|layout| layouts.expect(layout));
        let (directory, requests) = Directory::new(clock.clone());
        let (directory, view) = (Arc::new(directory), Arc::new(View::default()));
        let mut answers = Answers::new(config.idempotency_keys_max);
        let mut graph = Graph::new();
        let journal_dir = journal.dir.clone();
        let mut changes = super::release::Changes::default();
        let start = Start { directory: &directory, view: &view, graph: &mut graph, changes: &mut changes, answers: &mut answers };
        let (recovered, found) = recover(&store, journal, &layouts, start).await?;
        let followers = Followers { changes: Mutex::new(changes), answers: Mutex::new(answers), ..Followers::default() };
        for resident in directory.all() {
            followers.alarmed.note(&resident, &resident.cell.state());
        }
        let followers = Arc::new(followers);

        let feed = Arc::new(Feed::default());
        let readers = Readers::new(RealDisk::new(), journal_dir.clone());
        let committed = Arc::new(Committed::new(graph.clone()));
        let outbox = Arc::new(Outbox::default());
        let mut release = Release::new(view.clone(), followers.clone(), committed.clone(), outbox.clone(), Publisher::new(feed.clone()));
        let journal = recovered.start(move |group| release.release(group))?;
        let tallies = Arc::new(Tallies::default());
        let refusals = Refusals::new(journal.clone(), clock.clone(), config.rejections_per_second_max);
        let shared = Arc::new(Shared {
            config,
            wakes: Arc::new(Wakes::since(clock.now())),
            clock,
            directory,
            journal: journal.clone(),
            tallies,
            layouts: layouts.clone(),
            restarts: Default::default(),
            outbox: outbox.clone(),
        });
        let progress = Arc::new(Progress::default());
        progress.position.store(found.position.0, Ordering::Release);
        progress.saved_upto.store(found.saved_upto.0, Ordering::Release);
        let saved_upto = progress.saved_upto.clone();
        let rebuilder = Arc::new(Rebuilder { store: store.clone(), journal, journal_dir, layouts: layouts.clone(), saved_upto });
        let graph = Arc::new(Mutex::new(graph));

        let (editor, edits) = mpsc::channel(EDITS_WAITING_MAX);
        let tasks = TaskTracker::new();
        let (root, _) = Actor::spawn(None, Branch { no: TwinNo::PARTITION, shared: shared.clone() }, ()).await?;
        tasks.spawn(Warden::new(shared.clone(), rebuilder.clone(), root).run(requests));
        let projector = Projector {
            shared: shared.clone(),
            store: store.clone(),
            followers: followers.clone(),
            graph: graph.clone(),
            rebuilder,
            progress: progress.clone(),
        };
        tasks.spawn_on(projector.run(), store.threads());
        let runtime = Arc::new(Runtime {
            bindings: ArcSwap::from_pointee(Bindings::new(Arc::new(catalog.without_twins()))),
            observers: Observers::default(),
            provisioned: Mutex::new(0),
            editor,
            followers,
            turn: tokio::sync::Mutex::new(()),
            shared,
            layouts,
            graph,
            committed,
            refusals,
            occurrences: Default::default(),
            view,
            feed: feed.clone(),
            readers,
            store,
            progress,
            found,
        });
        let applied = runtime.apply_files(&catalog).await?;
        runtime.arm_all();
        tasks.spawn(super::wakes::run(Arc::downgrade(&runtime)));
        tasks.spawn(super::edit::run(Arc::downgrade(&runtime), edits));
        runtime.regather();
        tasks.spawn(super::gatherer::run(Arc::downgrade(&runtime)));
        tasks.spawn(super::outbox::run(Arc::downgrade(&runtime)));
        tasks.spawn(super::sweep::run(Arc::downgrade(&runtime)));
        tasks.spawn(changes::fill(Arc::downgrade(&runtime), feed.log.clone()));
        tasks.spawn(changes::fill(Arc::downgrade(&runtime), feed.happenings.clone()));
        Ok((runtime, applied))
    }

    /// After the ports are closed: commits what is under way, brings the store up to date, saves every twin, closes the journal.
    pub async fn shut_down(&self) {
        self.shared.journal.durable().await.ok();
        self.progress.finishing.store(true, Ordering::Release);
        self.progress.hurry.notify_one();
        self.progress.finished.notified().await;
        let journal = self.shared.journal.clone();
        // Closing waits for the gate's thread.
        match tokio::task::spawn_blocking(move || journal.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!(%error, "the journal could not be closed in order"),
            Err(error) => error!(%error, "the journal's thread has crashed"),
        }
        if let Err(error) = self.store.close().await {
            error!(%error, "the graph store could not be closed in order; it is mended at the next start");
        }
    }
}
