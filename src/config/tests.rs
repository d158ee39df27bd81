//! The shipped file holds every option, and nothing secret comes out of the configuration again.

use figment::providers::{Format, Toml};
use proptest::prelude::*;

use super::*;

/// Reads the defaults with this on top, as if it were the user's file.
fn read(toml: &str) -> Result<Config, ConfigError> {
    Config::over_defaults(Toml::string(toml))
}

/// The problems' keys and sentences, of which there must be some.
fn problems(toml: &str) -> Vec<(String, String)> {
    let error = read(toml).expect_err("a problem");
    error
        .problems
        .into_iter()
        .map(|Problem { key, why }| (key, why))
        .collect()
}

/// The options of a section, as the program knows them: it tells when it is given one it does not know.
fn options_of(section: &str) -> Vec<String> {
    let parent = match section {
        "sources.huntr.api" => "[sources.huntr]\nprovider = \"huntr\"\n",
        _ => "",
    };
    let provider = match section {
        "sources.huntr" => "provider = \"huntr\"\n",
        "sources.hunty" => "provider = \"hunty\"\n",
        _ => "",
    };
    let problems = problems(&format!(
        "{parent}[{section}]\n{provider}no_such_option = 1"
    ));
    let unknown = problems
        .iter()
        .find(|(key, _)| key.ends_with(".no_such_option"));
    let (_, known) = unknown
        .and_then(|(_, why)| why.split_once("there are "))
        .expect("a list of options");
    known.split(", ").map(ToOwned::to_owned).collect()
}

/// The lines of a section of the shipped file, examples included.
fn shipped(section: &str) -> Vec<&'static str> {
    DEFAULTS
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .skip_while(|line| !line.starts_with(&format!("[{section}]")))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .collect()
}

#[test]
fn the_shipped_file_shows_every_option_of_every_section_with_a_sentence() {
    for section in [
        "server",
        "intake",
        "database",
        "rejected_requests",
        "spool",
        "log",
        "tables",
        "sources.huntr",
        "sources.huntr.api",
        "sources.hunty",
    ] {
        let lines = shipped(section);
        for option in options_of(section) {
            let line = lines
                .iter()
                .find(|line| line.starts_with(&format!("{option} = ")));
            let is_told = line.is_some_and(|line| line.contains(" # "));
            let is_section = DEFAULTS.contains(&format!("[{section}.{option}]"));
            assert!(
                is_told || is_section,
                "{section}.{option} is not in the shipped file, or without a sentence"
            );
        }
    }
}

#[test]
fn every_shipped_default_is_valid_by_itself() {
    let config = read("").expect("the defaults");
    assert_eq!(config.server.listen.port(), 8080);
    assert_eq!(config.intake.max_batch, 500);
    assert!(config.sinks.is_empty());
}

#[test]
fn a_mistake_hides_no_other_and_is_told_once() {
    let keys: Vec<_> = problems(
        r#"
        [server]
        admin_listen = "0.0.0.0:9090"
        admin_token = "written out"
        [sources.huntr]
        provider = "huntr"
        secrets = ["written out", "file:/nowhere", 5]
        verify = "yes"
        [sources.huntr.api]
        every = 5
        [sources.hunty]
        provider = "hunty"
        secrets = ["written out"]
        header = "not a header"
        "#,
    )
    .into_iter()
    .map(|(key, _)| key)
    .collect();
    assert_eq!(
        keys,
        [
            "server.admin_token",
            "sources.huntr.api.every",
            "sources.huntr.api.token",
            "sources.huntr.secrets.0",
            "sources.huntr.secrets.1",
            "sources.huntr.secrets.2",
            "sources.huntr.verify",
            "sources.hunty.header",
            "sources.hunty.secrets.0",
        ]
    );
}

#[test]
fn what_is_wrong_with_an_item_is_told_by_its_place_in_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key_with_newline = folder.path().join("key");
    std::fs::write(&key_with_newline, "one\ntwo\n").expect("writing a key");
    let toml = format!(
        "[sources.hunty]\nprovider = \"hunty\"\nsecrets = [\"written out\", 5, \"file:{}\", \"file:/nowhere\"]",
        key_with_newline.display()
    );
    let keys: Vec<_> = problems(&toml).into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "sources.hunty.secrets.0",
            "sources.hunty.secrets.1",
            "sources.hunty.secrets.3",
            "sources.hunty.secrets.2"
        ]
    );
}

#[test]
fn a_section_that_is_none_is_not_taken_for_an_empty_one() {
    for section in [
        "server",
        "intake",
        "database",
        "rejected_requests",
        "spool",
        "log",
        "tables",
        "sources",
        "sinks",
    ] {
        for wrong in ["5", "\"text\"", "[]", "true"] {
            let problems = problems(&format!("{section} = {wrong}"));
            let [(key, why)] = &problems[..] else {
                panic!("{problems:?}")
            };
            assert_eq!(key, section);
            assert!(why.starts_with("must be a table"), "{why}");
        }
    }
}

/// Wherever somebody puts a secret that is not a reference.
const PLACES: [&str; 23] = [
    "server.listen",
    "server.admin_token",
    "server.max_body",
    "server.request_timeout",
    "server.max_connections",
    "intake.max_queue",
    "intake.max_buffer",
    "database.url",
    "database.migrate",
    "rejected_requests.max_count",
    "rejected_requests.max_age",
    "spool.max_size",
    "log.format",
    "tables.enabled",
    "sources.a.secrets",
    "sources.a.verify",
    "sources.a.api",
    "sources.a.api.url",
    "sources.a.api.token",
    "sources.a.api.every",
    "sources.b.provider",
    "sinks.c.types",
    "sinks.d.kind",
];

proptest! {
    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated(
        secret in "[A-Za-z]{4}[A-Za-z0-9+/=!$%&_. -]{8,40}",
        place in prop::sample::select(&PLACES[..]),
        item in any::<bool>(),
    ) {
        let value = if item { format!("[{secret:?}]") } else { format!("{secret:?}") };
        let wrong = match place {
            "sources.a.api" => format!("api = {value}"),
            place => format!("{} = {value}", place.rsplit('.').next().expect("a key")),
        };
        let toml = match place.rsplit_once('.').expect("a section").0 {
            "sources.a" => format!("[sources.a]\nprovider = \"huntr\"\n{wrong}"),
            "sources.a.api" => format!("[sources.a]\nprovider = \"huntr\"\n[sources.a.api]\n{wrong}"),
            "sinks.c" => {
                format!("[sinks.c]\nkind = \"http\"\nurl = \"https://example.com\"\n{wrong}")
            }
            section => format!("[{section}]\n{wrong}"),
        };
        match read(&toml) {
            Ok(config) => prop_assert_eq!(config.sinks.len(), 1, "accepted: {}", toml),
            Err(error) => {
                for shown in [error.to_string(), format!("{error:?}")] {
                    prop_assert!(!shown.contains(&secret), "{}", shown);
                }
            }
        }
    }

    #[test]
    fn a_resolved_secret_is_not_in_the_debug_print(secret in "[A-Za-z]{4}[!-~]{8,40}") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("writing a secret");
            path.display().to_string()
        };
        let (secret_file, password) = (file("secret", &secret), percent_encode(&secret));
        let webhook_file = file("webhook", &format!("https://hooks.slack.com/{password}"));
        let signing_key = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &secret);
        let signing_key_file = file("signing-key", &format!("whsec_{signing_key}"));
        let endpoint = format!("https://{password}:{password}@crm.example.com/{password}?{password}");
        let endpoint_file = file("endpoint", &endpoint);
        let url_file = file("url", &format!("postgres://user:{password}@localhost/db?password={password}"));
        let config = read(&format!(
            r#"
            [server]
            admin_token = "file:{secret_file}"
            [database]
            url = "file:{url_file}"
            [sources.huntr]
            provider = "huntr"
            secrets = ["file:{secret_file}"]
            api = {{ token = "file:{secret_file}" }}
            [sources.hunty]
            provider = "hunty"
            secrets = ["file:{secret_file}"]
            [sinks.crm]
            kind = "http"
            url = "file:{endpoint_file}"
            headers = {{ x-api-key = "file:{secret_file}" }}
            secret = "file:{signing_key_file}"
            [sinks.offers]
            kind = "slack"
            url = "file:{webhook_file}"
            "#
        ));
        let shown = format!("{:?}", config.expect("a configuration"));
        for secret in [&secret, &password, &signing_key] {
            prop_assert!(!shown.contains(secret), "{}", shown);
        }
    }
}

fn percent_encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
