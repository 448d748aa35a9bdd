//! The GraphQL API of the real program, asked over its real transports. What the transports do when results come late, crash or are not read is
//! told beside them, in `src/http/graphql/tests`.

mod alarms;
mod changes;
mod contributions;
mod detectors;
mod dry_run;
mod edits;
mod floods;
mod generated;
mod http;
mod limits;
mod mutations;
mod operations;
mod pages;
mod reload;
mod rules;
mod schema;
mod sse;
mod streams;
mod types;
pub(crate) mod ws;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::process::{PATIENCE, Program, Workspace};

/// The demo plant, running.
pub(crate) struct Plant {
    pub(crate) http: SocketAddr,
    client: Client,
    // In this order: the program lets go of its files before they go.
    pub(crate) program: Program,
    pub(crate) workspace: Workspace,
}

impl Plant {
    fn start() -> Plant {
        Plant::of(demo(), &[])
    }

    /// Another workspace, with settings.
    pub(crate) fn of(workspace: Workspace, settings: &[(&str, &str)]) -> Plant {
        let program = workspace.start(settings);
        Plant { http: program.http, client: Client::new(), program, workspace }
    }

    /// Killed and started again, on other ports.
    fn again(&mut self) {
        self.program.process.kill();
        self.program = self.workspace.start(&[]);
        self.http = self.program.http;
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    fn post(&self, accept: &str, query: &str) -> RequestBuilder {
        self.client.post(self.url("/graphql")).header("accept", accept).json(&json!({ "query": query }))
    }

    /// Asks in the whole form of a request; the whole answer.
    async fn ask(&self, request: Json) -> Json {
        answer(self.client.post(self.url("/graphql")).json(&request)).await.1
    }

    /// What a document gives. It must give it without errors.
    pub(crate) async fn data(&self, query: &str) -> Json {
        let mut body = self.ask(json!({ "query": query })).await;
        assert!(body.get("errors").is_none(), "{query}: {body}");
        body["data"].take()
    }

    fn get(&self, accept: &str, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).header("accept", accept)
    }
}

/// The plant that the repository comes with.
fn demo() -> Workspace {
    let workspace = Workspace::empty();
    for folder in ["schemas", "twins"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            workspace.write(&format!("{folder}/{name}"), &fs::read_to_string(&path).unwrap());
        }
    }
    workspace
}

/// The status and the document of an answer.
async fn answer(request: RequestBuilder) -> (u16, Json) {
    let response = patiently(request.send()).await.unwrap();
    let status = response.status().as_u16();
    (status, patiently(response.json()).await.unwrap())
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}
