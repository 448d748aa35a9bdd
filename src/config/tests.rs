//! Files, environments and flags against the settings and problems that come of them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::{Config, Environment, Flags, Loaded, SecretError, check_binds, load, render_settings};
use crate::source::{Sources, render_text};

fn read(toml: &str, environment: &[(&str, &str)], flags: &Flags) -> (Sources, Loaded) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("pollux.toml"), toml).expect("a file in it");
    let mut sources = Sources::new();
    let environment: Environment = environment.iter().copied().collect();
    let loaded = load(&mut sources, folder.path(), &environment, flags);
    (sources, loaded)
}

fn check_problems(toml: &str, environment: &[(&str, &str)], expected: &Expect) {
    let (sources, loaded) = read(toml, environment, &Flags::default());
    expected.assert_eq(&render_text(&sources, &loaded.problems, false));
}

#[test]
fn no_file_is_all_defaults() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let loaded = load(&mut Sources::new(), folder.path(), &Environment::default(), &Flags::default());
    assert!(loaded.problems.is_empty());
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn every_setting_says_what_it_means() {
    let config = Config::default();
    let (broker, webhook) = (super::Broker::default(), super::Webhook::default());
    for section in config.sections().into_iter().chain([&broker as &dyn super::Section, &webhook]) {
        for row in section.settings() {
            assert!(row.doc.iter().any(|line| !line.trim().is_empty()), "{}.{}", section.name(), row.key);
        }
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let toml = "[http]\nlisten = \"127.0.0.1:1\"\nitems_max = 5\nbody_bytes_max = 2_048\n[mqtt]\nlisten = \"localhost:1\"\n[runtime]\npassivate_after = \"90s\"\n";
    let environment = [("POLLUX_HTTP_LISTEN", "127.0.0.1:2"), ("POLLUX_MQTT_LISTEN", "[::1]:2"), ("POLLUX_HTTP_BODY_BYTES_MAX", "1 MiB")];
    let flags = Flags { http: Some(([127, 0, 0, 1], 3).into()), ..Flags::default() };
    let (_, Loaded { config, problems, .. }) = read(toml, &environment, &flags);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:3");
    assert_eq!(config.mqtt.listen.to_string(), "[::1]:2");
    assert_eq!(config.http.items_max, 5);
    assert_eq!(config.http.body_bytes_max.0, 1 << 20);
    assert_eq!(config.runtime.passivate_after, Duration::from_secs(90));
}

#[test]
fn a_section_may_lie_in_another() {
    let toml = "[graphql]\ntrusted_documents = \"graphql/operations\"\n[graphql.limits]\ndepth_max = 3\n";
    let (_, Loaded { config, problems, .. }) = read(toml, &[("POLLUX_GRAPHQL_LIMITS_COST_MAX", "7")], &Flags::default());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(config.graphql.trusted_documents, Some("graphql/operations".into()));
    assert_eq!((config.graphql_limits.depth_max, config.graphql_limits.cost_max), (3, 7));
    let (_, Loaded { problems, .. }) = read("[graphql]\nlimits = 3\n", &[], &Flags::default());
    assert_eq!(
        problems.iter().map(|problem| problem.message.to_string()).collect::<Vec<_>>(),
        ["`graphql.limits` is a section: write it as `[graphql.limits]` on a line of its own"]
    );
    let (_, Loaded { problems, .. }) = read("[graphql.limit]\ndepth_max = 3\n[graphql.limits]\ndepth = 3\n", &[], &Flags::default());
    assert_eq!(
        problems.iter().map(|problem| problem.message.to_string()).collect::<Vec<_>>(),
        ["unknown key `limit` in [graphql]", "unknown key `depth` in [graphql.limits]"]
    );
}

#[test]
fn slips_are_pointed_at() {
    check_problems(
        "folder = \"x\"\n[mqtt]\nlisen = \"127.0.0.1:1883\"\nconnections_max = 0\npacket_bytes_max = \"1 MB!\"\n\n[jurnal]\ndurability = \"os\"\n\n[journal]\ndurability = \"disk\"\n\n[store]\npassword = \"hush\"\n",
        &[],
        &expect![[r#"
            error[E114]: `folder` stands outside of any section
              ╭▸ pollux.toml:1:1
              │
            1 │ folder = "x"
              │ ━━━━━━
              │
              ╰ put it below a line `[data]`

            error[E114]: unknown key `lisen` in [mqtt]
              ╭▸ pollux.toml:3:1
              │
            3 │ lisen = "127.0.0.1:1883"
              │ ━━━━━ did you mean `listen`?
              │
              ╰ keys here: enabled, listen, connections_max, connect_timeout, write_timeout, packet_bytes_max, offered_packets_max, held_packets_max, held_bytes_max, outgoing_bytes_max, subscriptions_max, subscriber_bytes_max

            error[E115]: `connections_max` in [mqtt]: it must be from 1 to 1000000
              ╭▸ pollux.toml:4:19
              │
            4 │ connections_max = 0
              ╰╴                  ━

            error[E115]: `packet_bytes_max` in [mqtt]: `1 MB!` is not a size as in "64 MiB", or a number of bytes
              ╭▸ pollux.toml:5:20
              │
            5 │ packet_bytes_max = "1 MB!"
              ╰╴                   ━━━━━━━

            error[E114]: unknown section `jurnal`
              ╭▸ pollux.toml:7:2
              │
            7 │ [jurnal]
              │  ━━━━━━ did you mean `journal`?
              │
              ╰ sections: data, http, graphql, graphql.limits, mqtt, journal, store, runtime, security, log, broker, webhook

            error[E115]: `durability` in [journal]: `disk` is not "fsync" or "os"
               ╭▸ pollux.toml:11:14
               │
            11 │ durability = "disk"
               ╰╴             ━━━━━━

            error[E114]: unknown key `password` in [store]
               ╭▸ pollux.toml:14:1
               │
            14 │ password = "hush"
               │ ━━━━━━━━
               │
               ╰ a workspace holds no secrets: name a file (`password_file`) or an environment variable (`password_env`)

            7 errors
        "#]],
    );
}

#[test]
fn what_is_no_toml_is_pointed_at() {
    check_problems(
        "[http]\nlisten = 127.0.0.1:8080\n",
        &[],
        &expect![[r#"
        error[E113]: invalid float, expected nothing
          ╭▸ pollux.toml:2:15
          │
        2 │ listen = 127.0.0.1:8080
          │               ━━━━━━━━━
          │
          ╰ texts, addresses, sizes and durations stand in quotes; a section is `[name]` on a line of its own

        1 error
    "#]],
    );
}

#[test]
fn slips_in_the_environment_are_pointed_at() {
    let environment = [
        ("POLLUX_HTTP_LISTEN", "8080"),
        ("POLLUX_MQTT_LISTNE", "x"),
        ("POLLUX_SERVICE_HOST", "10.0.0.1"),
        ("POLLUX_DATA", "/tmp"),
        ("HOME", "/"),
    ];
    check_problems(
        "",
        &environment,
        &expect![[r#"
        error[E115]: `listen` in [http]: `8080` is not an address and port as in "127.0.0.1:1883" or "[::1]:1883"
          ╭▸ environment:1:20
          │
        1 │ POLLUX_HTTP_LISTEN=8080
          ╰╴                   ━━━━

        error[E114]: no setting has the environment variable `POLLUX_MQTT_LISTNE`
          ╭▸ environment:2:1
          │
        2 │ POLLUX_MQTT_LISTNE=…
          ╰╴━━━━━━━━━━━━━━━━━━ did you mean `POLLUX_MQTT_LISTEN`?

        2 errors
    "#]],
    );
}

#[test]
fn settings_that_contradict_each_other() {
    check_problems(
        "[journal]\nsegment_bytes = \"1 MiB\"\ngroup_bytes_max = \"2 MiB\"\n[http]\nlisten = \"127.0.0.1:1883\"\n[store]\nurl = \"ws://me:hush@db:8000\"\n[log]\nfilter = \"inof\"\n",
        &[],
        &expect![[r#"
            error[E115]: a group of 2 MiB does not fit into a segment of 1 MiB
              ╭▸ pollux.toml:3:19
              │
            3 │ group_bytes_max = "2 MiB"
              ╰╴                  ━━━━━━━

            error[E115]: a user and password do not belong into the URL: use username, and password_file or password_env
              ╭▸ pollux.toml:7:7
              │
            7 │ url = "ws://me:hush@db:8000"
              ╰╴      ━━━━━━━━━━━━━━━━━━━━━━

            error[E115]: `inof` is not a log filter (`inof` is not a level); write a level (error, warn, info, debug, trace), or levels per module as in `info,pollux::ingress=debug`
              ╭▸ pollux.toml:9:10
              │
            9 │ filter = "inof"
              ╰╴         ━━━━━━

            3 errors
        "#]],
    );
}

#[test]
fn brokers() {
    let toml = "[[broker]]\nname = \"plant\"\nurl = \"mqtt://[::1]:1884\"\ntopics = [\"a/#\", \"b,c\"]\n[[broker]]\nname = \"far\"\nurl = \"mqtt://broker.example\"\nqos = 0\n";
    let (_, Loaded { config, problems, .. }) = read(toml, &[], &Flags::default());
    assert!(problems.is_empty(), "{problems:?}");
    let urls: Vec<String> = config.brokers.iter().filter_map(|broker| broker.url.as_ref()).map(ToString::to_string).collect();
    assert_eq!(urls, ["mqtt://[::1]:1884", "mqtt://broker.example:1883"]);
    assert_eq!(config.brokers[0].topics, ["a/#", "b,c"]);
    assert_eq!(config.brokers[0].client_id(), "pollux-plant");
}

#[test]
fn brokers_that_cannot_be_used() {
    check_problems(
        "[[broker]]\nurl = \"mqtts://x\"\n[[broker]]\nname = \"a\"\nurl = \"mqtt://u:p@x\"\n[[broker]]\nname = \"a\"\n[[broker]]\nname = \"mqtt\"\nurl = \"mqtt://x:99999\"\n",
        &[],
        &expect![[r#"
            error[E115]: the broker has no `name`; bindings refer to it by one
              ╭▸ pollux.toml:1:1
              │
            1 │ [[broker]]
              ╰╴━━━━━━━━━━

            error[E115]: `url` in [broker]: TLS to an external broker is not supported in this version: use mqtt:// through a tunnel
              ╭▸ pollux.toml:2:7
              │
            2 │ url = "mqtts://x"
              ╰╴      ━━━━━━━━━━━

            error[E115]: `url` in [broker]: a user and password do not belong into the URL: use username, and password_file or password_env
              ╭▸ pollux.toml:5:7
              │
            5 │ url = "mqtt://u:p@x"
              ╰╴      ━━━━━━━━━━━━━━

            error[E115]: the broker has no `url`
              ╭▸ pollux.toml:6:1
              │
            6 │ [[broker]]
              │ ━━━━━━━━━━
              │
              ╰ add a line `url = "mqtt://HOST:1883"`

            error[E115]: two brokers have the name `a`
              ╭▸ pollux.toml:7:8
              │
            7 │ name = "a"
              │        ━━━
              │
              ├ note: the first one
              │
              ⸬  pollux.toml:4:8
              │
            4 │ name = "a"
              ╰╴       ━━━

            error[E115]: `mqtt` is the name of the embedded endpoint; give the broker another one
              ╭▸ pollux.toml:9:8
              │
            9 │ name = "mqtt"
              ╰╴       ━━━━━━

            error[E115]: `url` in [broker]: `mqtt://x:99999` is not a URL as in "mqtt://broker.example:1883"
               ╭▸ pollux.toml:10:7
               │
            10 │ url = "mqtt://x:99999"
               ╰╴      ━━━━━━━━━━━━━━━━

            7 errors
        "#]],
    );
}

#[test]
fn webhooks() {
    let toml = "[[webhook]]\nname = \"maintenance\"\nurl = \"https://plant.example/hooks/1\"\nsecret_env = \"HUSH\"\ngive_up_after = \"1h\"\n[webhook.headers]\nX-Plant = \"north\"\n[[webhook]]\nname = \"chat\"\nurl_file = \"../chat\"\n";
    let (_, Loaded { config, problems, .. }) = read(toml, &[], &Flags::default());
    assert!(problems.is_empty(), "{problems:?}");
    let [maintenance, chat] = &config.webhooks[..] else { panic!("{:?}", config.webhooks) };
    assert_eq!(maintenance.url.as_ref().map(ToString::to_string).as_deref(), Some("https://plant.example/hooks/1"));
    assert_eq!(maintenance.headers.pairs(), [("X-Plant".to_owned(), "north".to_owned())]);
    assert_eq!((maintenance.give_up_after, maintenance.timeout), (Duration::from_secs(3600), Duration::from_secs(10)));
    assert_eq!((&*chat.name, &chat.url, &chat.url_file), ("chat", &None, &Some("../chat".into())));
}

#[test]
fn webhooks_that_cannot_be_used() {
    check_problems(
        "[[webhook]]\nsecret = \"hush\"\n[[webhook]]\nname = \"a\"\nurl = \"ftp://x\"\nsecret_file = \"../s\"\nsecret_env = \"S\"\n[[webhook]]\nname = \"a\"\nurl = \"https://u:p@x\"\nin_flight_max = 0\nheaders = { Authorization = \"Bearer x\" }\n",
        &[],
        &expect![[r#"
            error[E115]: the webhook has no `name`; rules refer to it by one
              ╭▸ pollux.toml:1:1
              │
            1 │ [[webhook]]
              ╰╴━━━━━━━━━━━

            error[E115]: the webhook has no `url`
              ╭▸ pollux.toml:1:1
              │
            1 │ [[webhook]]
              │ ━━━━━━━━━━━
              │
              ╰ add a line `url = "https://HOST/PATH"`

            error[E114]: unknown key `secret` in [webhook]
              ╭▸ pollux.toml:2:1
              │
            2 │ secret = "hush"
              │ ━━━━━━
              │
              ╰ a workspace holds no secrets: name a file (`secret_file`) or an environment variable (`secret_env`)

            error[E115]: `url` in [webhook]: `ftp:` is not a way to call a webhook: write https:// or http://
              ╭▸ pollux.toml:5:7
              │
            5 │ url = "ftp://x"
              ╰╴      ━━━━━━━━━

            error[E115]: `secret_file` and `secret_env` say the same: keep one of them
              ╭▸ pollux.toml:7:1
              │
            7 │ secret_env = "S"
              │ ━━━━━━━━━━
              │
              ├ note: the other one
              │
              ⸬  pollux.toml:6:1
              │
            6 │ secret_file = "../s"
              ╰╴━━━━━━━━━━━

            error[E115]: two webhooks have the name `a`
              ╭▸ pollux.toml:9:8
              │
            9 │ name = "a"
              │        ━━━
              │
              ├ note: the first one
              │
              ⸬  pollux.toml:4:8
              │
            4 │ name = "a"
              ╰╴       ━━━

            error[E115]: `url` in [webhook]: a user and password do not belong into the URL: use token_file or token_env, or let the receiver check the signature
               ╭▸ pollux.toml:10:7
               │
            10 │ url = "https://u:p@x"
               ╰╴      ━━━━━━━━━━━━━━━

            error[E115]: `in_flight_max` in [webhook]: it must be from 1 to 64
               ╭▸ pollux.toml:11:17
               │
            11 │ in_flight_max = 0
               ╰╴                ━

            error[E115]: `headers` in [webhook]: a workspace holds no secrets, and `Authorization` carries one: use token_file or token_env
               ╭▸ pollux.toml:12:11
               │
            12 │ headers = { Authorization = "Bearer x" }
               ╰╴          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

            9 errors
        "#]],
    );
    check_problems(
        "[webhook]\nname = \"a\"\n",
        &[],
        &expect![[r#"
        error[E115]: there may be several webhooks: write each as `[[webhook]]`
          ╭▸ pollux.toml:1:2
          │
        1 │ [webhook]
          ╰╴ ━━━━━━━

        1 error
    "#]],
    );
}

/// What is printed is a file that means the same.
#[test]
fn the_printed_settings_read_back() {
    let toml = "[log]\nformat = \"json\"\n[store]\nurl = \"mem://\"\n[http]\nbody_bytes_max = 1_000\n[runtime]\nproject_every = \"1500ms\"\n[[broker]]\nname = \"a\"\nurl = \"mqtt://x\"\ntopics = [\"a/\\\"b\"]\n[[webhook]]\nname = \"m\"\nurl = \"https://x.example/a b?c\"\ntimeout = \"3s\"\nheaders = { X-Plant = \"n\\\"orth\" }\n";
    let toml = toml.replace("1_000", "2_000");
    let (sources, first) = read(&toml, &[("POLLUX_JOURNAL_DURABILITY", "os")], &Flags::default());
    assert!(first.problems.is_empty(), "{:?}", first.problems);
    let (_, second) = read(&render_settings(&first, &sources), &[], &Flags::default());
    assert!(second.problems.is_empty(), "{:?}", second.problems);
    assert_eq!(second.config, first.config);
    // And every commented line is a setting that is accepted as it stands.
    let (sources, defaults) = read("", &[], &Flags::default());
    let all: String = render_settings(&defaults, &sources).lines().map(|line| uncommented(line) + "\n").collect();
    let (sources, third) = read(&all, &[], &Flags::default());
    let problems = render_text(&sources, &third.problems, false);
    assert!(
        third.problems.iter().all(|problem| ["broker", "webhook"].iter().any(|table| problem.message.contains(table))),
        "{problems}\n{all}"
    );
}

fn uncommented(line: &str) -> String {
    let is_setting = line.strip_prefix("# ").is_some_and(|rest| {
        let mut words = rest.split(' ');
        let key = words.next().unwrap_or_default();
        key.starts_with(|c: char| c.is_ascii_lowercase()) && words.next() == Some("=") && words.next().is_some_and(|word| !word.is_empty())
    });
    let text = if is_setting || matches!(line, "# [[broker]]" | "# [[webhook]]") { line.trim_start_matches("# ") } else { line };
    text.to_owned()
}

#[test]
fn doors_to_others_need_a_word() {
    for (toml, is_fine) in [
        ("", true),
        ("[http]\nlisten = \"127.9.9.9:80\"", true),
        ("[http]\nlisten = \"[::ffff:127.0.0.1]:80\"", true),
        ("[http]\nlisten = \"0.0.0.0:80\"", false),
        ("[mqtt]\nlisten = \"[::]:1883\"", false),
        ("[mqtt]\nenabled = false\nlisten = \"[::]:1883\"", true),
        ("[http]\nlisten = \"192.168.0.1:80\"\n[security]\nallow_insecure = true", true),
    ] {
        let (_, loaded) = read(toml, &[], &Flags::default());
        assert_eq!(check_binds(&loaded.config).is_ok(), is_fine, "{toml}");
    }
    let (_, loaded) = read("[http]\nlisten = \"0.0.0.0:80\"\n[mqtt]\nlisten = \"[::]:1883\"", &[], &Flags::default());
    let refusal = check_binds(&loaded.config).map_or_else(|refusal| refusal.to_string(), |()| String::new());
    expect![[r#"
        http.listen is 0.0.0.0:80, which other machines can reach
        mqtt.listen is [::]:1883, which other machines can reach
        there is no authentication: whoever reaches a door may read every twin and send readings to it. Either
        - set `listen = "127.0.0.1:80"` in [http], and put what authenticates in front of it, or
        - set `listen = "[::1]:1883"` in [mqtt], and put what authenticates in front of it, or
        - if everyone on that network may come in, set `allow_insecure = true` in [security] or POLLUX_SECURITY_ALLOW_INSECURE=true"#]]
    .assert_eq(&refusal);
}

#[test]
fn secrets_come_from_outside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = folder.path().join("workspace");
    fs::create_dir(&workspace).expect("a workspace");
    fs::write(workspace.join("inside"), "x\n").expect("a file in it");
    fs::write(folder.path().join("outside"), "hush\r\nmore\n").expect("a file beside it");
    let environment: Environment = [("DB_PASSWORD", "quiet")].into_iter().collect();
    let ask = |file: Option<&str>, variable| environment.secret(&workspace, file.map(Path::new), variable);
    let told = |secret: Result<Option<super::Secret>, SecretError>| secret.ok().flatten().map(|secret| secret.reveal().to_owned());
    assert_eq!(told(ask(Some("../outside"), None)).as_deref(), Some("hush"));
    assert_eq!(told(ask(None, Some("DB_PASSWORD"))).as_deref(), Some("quiet"));
    assert!(matches!(ask(None, None), Ok(None)));
    assert!(matches!(ask(Some("inside"), None), Err(SecretError::InWorkspace(_))));
    assert!(matches!(ask(Some("../nowhere"), None), Err(SecretError::Unreadable { .. })));
    assert!(matches!(ask(None, Some("NOT_SET")), Err(SecretError::NotSet(_))));
    assert!(matches!(ask(Some("../outside"), Some("DB_PASSWORD")), Err(SecretError::Both)));
    assert!(!format!("{environment:?}").contains("quiet"));
}
