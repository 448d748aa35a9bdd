//! The webhooks of the settings, with their secrets, and what keeps them at work.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::CRASH_PAUSE;
use crate::config::{Config, Environment, Secret, Webhook};
use crate::reading::Now;
use crate::webhook::{HookConfig, HookUrl, Hooks};

/// Every secret is read now, so that one that is missing stops the start and not the first alarm.
pub(super) fn hooks(config: &Config, workspace: &Path, environment: &Environment, now: &Now) -> anyhow::Result<Hooks> {
    let configs = config
        .webhooks
        .iter()
        .map(|webhook| hook_config(webhook, workspace, environment).with_context(|| format!("[[webhook]] {}", webhook.name)));
    Ok(Hooks::new(configs.collect::<anyhow::Result<Vec<_>>>()?, now)?)
}

fn hook_config(webhook: &Webhook, workspace: &Path, environment: &Environment) -> anyhow::Result<HookConfig> {
    let secret = |key: &str, file: &Option<_>, variable: &Option<String>| -> anyhow::Result<Option<Secret>> {
        let secret = environment.secret(workspace, file.as_deref(), variable.as_deref());
        secret.with_context(|| format!("{key}_file or {key}_env"))
    };
    let url = match (&webhook.url, secret("url", &webhook.url_file, &webhook.url_env)?) {
        (_, Some(text)) => HookUrl::parse(text.reveal()).context("what url_file or url_env holds cannot be used as the URL")?,
        (Some(url), None) => url.clone(),
        (None, None) => anyhow::bail!("it has no `url`"),
    };
    let key = secret("secret", &webhook.secret_file, &webhook.secret_env)?;
    let token = secret("token", &webhook.token_file, &webhook.token_env)?;
    Ok(HookConfig {
        secret: key.map(|key| key.reveal().as_bytes().to_vec()),
        token: token.map(|token| token.reveal().to_owned()),
        headers: webhook.headers.clone(),
        timeout: webhook.timeout,
        in_flight_max: webhook.in_flight_max,
        queue_max: webhook.queue_max,
        queue_bytes_max: webhook.queue_bytes_max.as_usize(),
        give_up_after: webhook.give_up_after,
        ..HookConfig::new(&webhook.name, url)
    })
}

/// Answers come from outside and go through a library: if it ever panics, what was under way goes out again.
#[expect(clippy::disallowed_methods, reason = "the task is awaited right here, for the sake of its panic")]
pub(super) async fn keep_calling(hooks: Arc<Hooks>, closing: CancellationToken) {
    loop {
        let (running, stop) = (hooks.clone(), closing.clone());
        match tokio::spawn(async move { running.run(stop).await }).await {
            Ok(()) => return,
            Err(error) => warn!(%error, "the webhooks have crashed and begin anew"),
        }
        tokio::time::sleep(CRASH_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::reading::Timestamp;

    fn refusal(webhook: Webhook) -> String {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        fs::create_dir(&workspace).unwrap();
        fs::write(workspace.join("inside"), "hush\n").unwrap();
        fs::write(folder.path().join("outside"), "https://plant.example/T0K3N\n").unwrap();
        let environment = [("SECRET", "hush"), ("EMPTY", "")].into_iter().collect();
        let config = Config { webhooks: vec![Webhook { name: "m".to_owned(), ..webhook }], ..Config::default() };
        let now: Now = Arc::new(|| Timestamp(0));
        hooks(&config, &workspace, &environment, &now).map_or_else(|error| format!("{error:#}"), |hooks| format!("{hooks:?}"))
    }

    fn named(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    #[test]
    fn secrets_are_read_at_the_start() {
        let url = || Some(HookUrl::parse("http://127.0.0.1:9/").unwrap());
        let fine = refusal(Webhook { url_file: Some("../outside".into()), secret_env: named("SECRET"), ..Webhook::default() });
        assert!(fine.starts_with("Hooks {") && !fine.contains("hush") && !fine.contains("T0K3N"), "{fine}");
        for (webhook, expected) in [
            (Webhook::default(), "[[webhook]] m: it has no `url`"),
            (
                Webhook { url: url(), secret_env: named("NONE"), ..Webhook::default() },
                "[[webhook]] m: secret_file or secret_env: the environment variable `NONE`, which should hold a secret, is not set",
            ),
            (
                Webhook { url: url(), token_file: Some("inside".into()), ..Webhook::default() },
                "[[webhook]] m: token_file or token_env: the secret in inside lies in the workspace, which holds none: keep it elsewhere",
            ),
            (
                Webhook { url: url(), secret_env: named("EMPTY"), ..Webhook::default() },
                "webhook `m`: the secret is empty; a signature with it says nothing",
            ),
            (
                Webhook { url_env: named("SECRET"), ..Webhook::default() },
                "[[webhook]] m: what url_file or url_env holds cannot be used as the URL: it is not a URL as in \"https://maintenance.example/hooks/pollux\": relative URL without a base",
            ),
        ] {
            assert_eq!(refusal(webhook), expected);
        }
    }
}
