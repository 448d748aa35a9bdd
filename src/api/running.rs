//! A running subscription through changes of the schema: what still is valid goes on with a `RESYNC`, what is not ends with `SCHEMA_CHANGED`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

use super::error::{ApiError, Code};
use super::executor::{Again, Api, Prepared};
use super::request::Answer;
use super::types::system::SchemaRevision;

type Items = Pin<Box<dyn Stream<Item = Answer> + Send>>;

struct Run {
    api: Arc<Api>,
    again: Again,
    changed: watch::Receiver<Arc<SchemaRevision>>,
    items: Items,
    /// Where a lossless stream stands, so that it goes on there.
    cursor: Option<String>,
}

pub(super) fn run(api: Arc<Api>, prepared: Prepared) -> impl Stream<Item = Answer> + Send + 'static {
    stream::once(begin(api, prepared)).flat_map(|begun| match begun {
        Ok(run) => stream::unfold(Some(run), next).left_stream(),
        Err(last) => stream::once(std::future::ready(last)).right_stream(),
    })
}

async fn begin(api: Arc<Api>, prepared: Prepared) -> Result<Run, Answer> {
    let (again, changed) = (prepared.again(), api.changes());
    api.catch_up(again.after).await.map_err(|error| Answer::refused(vec![error]))?;
    let items = api.stream(prepared, false).boxed();
    Ok(Run { api, again, changed, items, cursor: None })
}

async fn next(run: Option<Run>) -> Option<(Answer, Option<Run>)> {
    let mut run = run?;
    loop {
        tokio::select! {
            item = run.items.next() => {
                let item = item?;
                if item.cursor.is_some() {
                    run.cursor.clone_from(&item.cursor);
                }
                return Some((item, Some(run)));
            }
            changed = run.changed.changed() => {
                // The API is gone: so is the program.
                changed.ok()?;
                if let Err(last) = run.renew().await {
                    return Some((last, None));
                }
            }
        }
    }
}

impl Run {
    /// Begins again if the schema is another one by now.
    async fn renew(&mut self) -> Result<(), Answer> {
        if self.api.revision().number == self.again.revision {
            return Ok(());
        }
        let mut again = self.again.clone();
        if self.cursor.is_some() {
            again.request.resume_after.clone_from(&self.cursor);
        }
        let prepared = self.api.prepare_again(&again).await.map_err(|errors| {
            let first = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            let error =
                ApiError::new(Code::SchemaChanged, format!("the schema has changed and the subscription is no longer valid: {first}"));
            Answer::refused(vec![error.hint("fetch the schema again and subscribe anew")])
        })?;
        let is_same = prepared.schema() == self.again.hash;
        self.again.revision = self.api.revision().number;
        if !is_same {
            self.again = Again { request: self.again.request.clone(), ..prepared.again() };
            self.items = self.api.stream(prepared, true).boxed();
        }
        Ok(())
    }
}
