//! Asks the fields of this chapter, under a root that leads to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pollux::api::access::{Bounds, CursorKey, Trees};
use pollux::api::build::{Built, SchemaBuilder};
use pollux::api::engine::{self, Ctx, RequestContext};
use pollux::api::limits::Limits;
use pollux::api::meter::Meter;
use pollux::api::names::{plan, select};
use pollux::api::prepare::{Checker, Preparer, Weights};
use pollux::api::session::{Lasting, Services, Session};
use pollux::api::types::system::SchemaRevision;
use pollux::api::types::{self, job};
use pollux::api::{Caller, Request, query};
use pollux::ingress::Permits;
use pollux::reading::Seq;
use pollux::runtime::door::TwinDoor;
use serde_json::Value as Json;

use crate::support::World;

pub struct Asker<'w> {
    world: &'w World,
    built: Built,
    services: Arc<Services>,
}

/// What came of a request.
pub struct Told {
    pub data: Json,
    pub errors: Json,
    pub statements: u64,
    pub store_seq: u64,
}

impl<'w> Asker<'w> {
    pub fn new(world: &'w World) -> Asker<'w> {
        let runtime = world.app().runtime.clone();
        let catalog = runtime.bindings.load().catalog.clone();
        let plan = Arc::new(plan(&catalog, &select(&catalog, &[]).unwrap()).unwrap());
        let built = schema(&plan);
        let (limits, now) = (Limits::default(), runtime.shared.clock.now());
        let revision = Arc::new(SchemaRevision { revision: 1, hash: String::new(), at: now, issues: Vec::new() });
        let (_, schema_changes) = tokio::sync::watch::channel(revision.clone());
        let lasting = Lasting {
            door: Arc::new(TwinDoor::new(runtime.clone())),
            permits: Arc::new(Permits::new(10)),
            preparer: Arc::new(Preparer::new(limits.clone(), None)),
            meter: Meter::default(),
            jobs: job::Jobs::default(),
            trees: Trees::default(),
            cursor_key: CursorKey::new([7; 32]),
            bounds: Bounds::default(),
            schema_changes,
            durability: "fsync",
            publisher: std::sync::OnceLock::new(),
        };
        let checker = Arc::new(Checker::new(&built.sdl, Weights::new()).unwrap());
        let lasting = Arc::new(lasting);
        let services = Services { lasting, runtime, catalog, plan, limits, started: now, schema: revision, checker };
        Asker { world, built, services: Arc::new(services) }
    }

    pub fn ask(&self, query: &str) -> Told {
        self.ask_after(query, Seq(0))
    }

    /// As a request that carries `afterSeq`, or follows its own mutation.
    pub fn ask_after(&self, query: &str, seq: Seq) -> Told {
        let session = Session::new(self.services.clone(), self.services.runtime.shared.clock.now());
        session.read_after(seq);
        let (caller, request) = (Caller::local(), Request { query: Some(query.to_owned()), ..Request::default() });
        let operation = self.services.lasting.preparer.prepare(&self.services.checker, &request, &caller);
        let operation = operation.unwrap_or_else(|refused| panic!("{refused:?}"));
        let ctx: Ctx = Arc::new(RequestContext::new(caller, "1".to_owned(), Arc::new(session)));
        let keys: Vec<String> = operation.root.iter().map(|field| field.key.to_string()).collect();
        let answer = self.world.block_on(engine::run(&self.built, operation.document.clone(), &keys, operation.variables, ctx.clone()));
        let mut answer: Json = serde_json::from_slice(&answer.body).unwrap();
        Told {
            data: answer["data"].take(),
            errors: answer["errors"].take(),
            statements: ctx.receipt.store_statements.load(Ordering::Relaxed),
            store_seq: ctx.receipt.store_seq.load(Ordering::Relaxed),
        }
    }

    /// The data of a request that has no errors.
    pub fn data(&self, query: &str) -> Json {
        let told = self.ask(query);
        assert_eq!(told.errors, Json::Null, "{query}");
        told.data
    }
}

fn schema(plan: &pollux::api::names::ViewPlan) -> Built {
    let mut schema = SchemaBuilder::new();
    pollux::api::scalars::declare(&mut schema);
    types::declare(&mut schema, plan);
    query::declare(&mut schema);
    schema.build().unwrap_or_else(|problems| panic!("{problems:?}"))
}
