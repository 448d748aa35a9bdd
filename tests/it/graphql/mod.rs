//! The GraphQL API of the real program, asked over its real transports. What the transports do when results come late, crash or are not read is
//! told beside them, in `src/http/graphql/tests`.

mod http;
mod sse;
mod ws;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::process::{PATIENCE, Program, Workspace};

/// The demo plant, running.
struct Plant {
    http: SocketAddr,
    client: Client,
    // In this order: the program lets go of its files before they go.
    program: Program,
    _workspace: Workspace,
}

impl Plant {
    fn start() -> Plant {
        let workspace = demo();
        let program = workspace.start(&[]);
        Plant { http: program.http, client: Client::new(), program, _workspace: workspace }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    fn post(&self, accept: &str, query: &str) -> RequestBuilder {
        self.client.post(self.url("/graphql")).header("accept", accept).json(&json!({ "query": query }))
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
