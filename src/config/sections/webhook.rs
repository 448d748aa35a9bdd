//! `[[webhook]]`: an HTTP endpoint of somebody else, which rules call by its name. There may be several.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::kind::{ByteCount, Kind, mismatch};
use crate::config::setting::section;
use crate::source::{Node, NodeKind};
use crate::webhook::{Headers, HookUrl};

section! {
    /// An HTTP endpoint that rules call; one table for each. It gets a POST with JSON, an `Idempotency-Key` and a `Pollux-Timestamp`,
    /// and with a secret a `Pollux-Signature`: `v1=` and the HMAC-SHA256, in hexadecimal, of `TIMESTAMP.BODY`.
    /// What fails is tried again, from a second to five minutes apart.
    Webhook = "webhook" {
        /// What rules call it (`webhook: NAME`). Required.
        name: String = String::new(),
        /// Where it is: `https://HOST/PATH`, or `http://` within a network that is trusted. Required, here or by one of the next two.
        url: Option<HookUrl> = None,
        /// A file outside the workspace with the URL on its first line, for receivers that know their callers by the URL alone.
        url_file: Option<PathBuf> = None,
        /// The name of an environment variable that holds the URL.
        url_env: Option<String> = None,
        /// A file outside the workspace with the secret on its first line that signs the requests.
        secret_file: Option<PathBuf> = None,
        /// The name of an environment variable that holds this secret.
        secret_env: Option<String> = None,
        /// A file outside the workspace with a token on its first line that is sent as `Authorization: Bearer TOKEN`.
        token_file: Option<PathBuf> = None,
        /// The name of an environment variable that holds this token.
        token_env: Option<String> = None,
        /// Headers to send as well. They are no place for secrets.
        headers: Headers = Headers::default(),
        /// How long one attempt may take, from connecting to the end of the answer.
        timeout: Duration [Duration::from_millis(100)..=Duration::from_secs(300)] = Duration::from_secs(10),
        /// Requests under way at the same time.
        in_flight_max: usize [1..=64] = 4,
        /// Deliveries that may wait or be under way.
        queue_max: usize [1..=1_000_000] = 10_000,
        /// Their bytes.
        queue_bytes_max: ByteCount [ByteCount::kib(64)..=ByteCount::gib(4)] = ByteCount::mib(64),
        /// How long after it was asked for a delivery is still tried.
        give_up_after: Duration [Duration::ZERO..=Duration::from_secs(30 * 86_400)] = Duration::from_secs(86_400),
    }
}

impl Kind for HookUrl {
    fn expected() -> String {
        "a URL as in \"https://maintenance.example/hooks/pollux\"".to_owned()
    }

    fn read(node: &Node) -> Result<HookUrl, String> {
        HookUrl::parse(&String::read(node)?).map_err(|error| error.to_string())
    }

    fn show(&self) -> Option<String> {
        self.to_string().show()
    }
}

impl Kind for Headers {
    fn expected() -> String {
        "a table of texts as in { X-Plant = \"north\" }".to_owned()
    }

    fn read(node: &Node) -> Result<Headers, String> {
        let NodeKind::Mapping(table) = &node.kind else { return Err(mismatch::<Headers>(node)) };
        let pairs = table.entries.iter().map(|entry| Ok((entry.key.text.to_string(), String::read(&entry.value)?)));
        Headers::parse(pairs.collect::<Result<Vec<_>, String>>()?)
    }

    fn show(&self) -> Option<String> {
        let pairs: Vec<String> =
            self.pairs().iter().filter_map(|(name, value)| Some(format!("{} = {}", name.show()?, value.show()?))).collect();
        (!pairs.is_empty()).then(|| format!("{{ {} }}", pairs.join(", ")))
    }
}
