//! The configuration as its users meet it: what is accepted, what wins, and what is said of mistakes.

use std::net::TcpListener;

use insta::assert_snapshot;

use crate::program::{Outcome, Program};

/// What `check` says of a configuration that is accepted.
fn accepted(program: &Program, arguments: &[&str]) -> Vec<String> {
    let findings = program.run(&[arguments, &["check", "--json"]].concat()).json();
    let findings = findings.as_array().expect("a list");
    findings.iter().map(|finding| finding["what"].as_str().expect("a name").to_owned()).collect()
}

fn refused(toml: &str) -> Outcome {
    let outcome = Program::new().file("receiver.toml", toml).run(&["--config", "receiver.toml", "check"]);
    outcome.refusal();
    outcome
}

mod accepts {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/receiver.toml");

    #[test]
    fn the_shipped_file() {
        let program = Program::with_source().file("receiver.toml", SHIPPED);
        assert_eq!(
            accepted(&program, &["--config", "receiver.toml"]),
            accepted(&Program::with_source(), &[])
        );
    }

    #[test]
    fn the_shipped_file_with_all_its_examples() {
        let is_option = |line: &str| {
            let key = line.split(" = ").next().unwrap_or_default();
            line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        let uncommented: Vec<_> = SHIPPED
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(example) if example.starts_with('[') || is_option(example) => example,
                _ => line,
            })
            .collect();
        let program = with_the_secrets_of_the_examples().file("receiver.toml", uncommented.join("\n"));
        assert_eq!(
            accepted(&program, &["--config", "receiver.toml"]),
            ["sources.huntr", "sources.hunty", "database.url (sqlite:data/receiver.db)", "sinks.crm"]
        );
    }

    #[test]
    fn the_whole_example_of_the_contract() {
        let program = with_the_secrets_of_the_examples().file("receiver.toml", CONTRACT);
        assert_eq!(
            accepted(&program, &["--config", "receiver.toml"]),
            [
                "sources.huntr",
                "sources.hunty",
                "database.url (sqlite:data/receiver.db)",
                "sinks.crm",
                "sinks.offers"
            ]
        );
    }

    fn with_the_secrets_of_the_examples() -> Program {
        Program::new()
            .set("RECEIVER_ADMIN_TOKEN", "a token")
            .set("HUNTR_WEBHOOK_SECRET", "a secret")
            .set("HUNTR_ORG_TOKEN", "another token")
            .set("HUNTY_API_KEY", "a key")
            .set("CRM_SIGNING_SECRET", "whsec_c2VjcmV0")
            .set("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x")
    }

    const CONTRACT: &str = r#"
[server]
listen = "0.0.0.0:8080"
admin_listen = "127.0.0.1:9090"
admin_token = "env:RECEIVER_ADMIN_TOKEN"
max_body = "2 MiB"
request_timeout = "10s"
drain_delay = "0s"

[database]
url = "sqlite:data/receiver.db"
commit_timeout = "2s"
migrate = true

[spool]
dir = "data/spool"
max_size = "1 GiB"

[log]
format = "auto"

[tables]
enabled = true
cohort_field = "Cohort"

[sources.huntr]
provider = "huntr"
secrets = ["env:HUNTR_WEBHOOK_SECRET"]
# verify = false

[sources.huntr.api]
url = "https://api.huntr.co/org"
token = "env:HUNTR_ORG_TOKEN"
every = "15m"
lookback = "3d"

[sources.hunty]
provider = "hunty"
header = "x-auth-api-key"
secrets = ["env:HUNTY_API_KEY"]

[sinks.crm]
kind = "http"
url = "https://crm.example.com/hooks"
secret = "env:CRM_SIGNING_SECRET"
allow_private = false
concurrency = 8
timeout = "10s"
retry = { initial = "1s", max = "10m", give_up_after = "3d" }
format = "cloudevents"
# order_by = "entity"

[sinks.offers]
kind = "slack"
url = "env:SLACK_WEBHOOK_URL"
types = ["ACTIVITY_CREATED"]
when = 'payload.activityCategory.name == "Offer Received"'
"#;

    #[test]
    fn a_file_that_can_be_read_only_once() {
        let program = Program::with_source();
        let outcome = program.run_with_input(&["--config", "/dev/stdin", "check"], "[server]\nlisen = 1");
        assert!(outcome.refusal().contains("server.lisen"), "{}", outcome.stderr);
    }

    #[test]
    fn lists_and_units_from_the_environment() {
        let program = Program::new()
            .set("RECEIVER__SOURCES__MAIN__PROVIDER", "huntr")
            .set("RECEIVER__SOURCES__MAIN__SECRETS", r#"["env:A","env:B"]"#)
            .set("RECEIVER__SERVER__MAX_BODY", "1MiB")
            .set("RECEIVER__INTAKE__MAX_BUFFER", "1024KiB")
            .set("RECEIVER__DATABASE__COMMIT_TIMEOUT", "500ms")
            .set("RECEIVER__DATABASE__MIGRATE", "false")
            .set("A", "one")
            .set("B", "two");
        assert_eq!(accepted(&program, &[])[0], "sources.main");
        let outcome = program.set("RECEIVER__INTAKE__MAX_BUFFER", "1023KiB").run(&["check"]);
        assert_snapshot!(outcome.refusal(), @"");
    }

    #[test]
    fn an_admin_listener_for_everybody_with_a_token() {
        for program in [
            Program::with_source().set("RECEIVER_ADMIN_TOKEN", "a token"),
            Program::with_source().set("RECEIVER__SERVER__ADMIN_TOKEN", "env:HUNTR_WEBHOOK_SECRET"),
        ] {
            accepted(&program.set("RECEIVER__SERVER__ADMIN_LISTEN", "0.0.0.0:9090"), &[]);
        }
    }
}

mod precedence {
    use super::*;

    #[test]
    fn of_the_database_defaults_file_and_environment() {
        let database = |program: &Program, arguments: &[&str]| accepted(program, arguments)[1].clone();
        let program = Program::with_source()
            .file("one.toml", "[database]\nurl = 'sqlite:one'")
            .file("two.toml", "[database]\nurl = 'sqlite:two'");
        assert_eq!(database(&program, &[]), "database.url (sqlite:data/receiver.db)");
        let program = program.set("RECEIVER_CONFIG", "one.toml");
        assert_eq!(database(&program, &[]), "database.url (sqlite:one)");
        assert_eq!(database(&program, &["--config", "two.toml"]), "database.url (sqlite:two)");
        let program = program.set("DATABASE_URL", "sqlite:three");
        assert_eq!(database(&program, &[]), "database.url (sqlite:three)");
        let program = program.set("RECEIVER__DATABASE__URL", "sqlite:four");
        assert_eq!(database(&program, &[]), "database.url (sqlite:four)");
    }

    /// `serve` cannot listen where somebody listens already, and tells where it tried to.
    #[test]
    fn of_the_listener_file_environment_and_flag() {
        let taken = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [file, environment, flag] = taken.each_ref().map(|taken| taken.local_addr().expect("an address").to_string());
        let tried = |program: &Program, arguments: &[&str]| {
            let outcome = program.run(arguments);
            assert_eq!(outcome.code, 1, "{}", outcome.stderr);
            let (_, tried) = outcome.stderr.split_once("listening on ").expect("an address");
            tried.lines().next().unwrap_or_default().to_owned()
        };
        let program = Program::with_source().file("receiver.toml", format!("[server]\nlisten = '{file}'"));
        let serve = ["--config", "receiver.toml", "serve"];
        assert_eq!(tried(&program, &serve), file);
        let program = program.set("RECEIVER__SERVER__LISTEN", &environment);
        assert_eq!(tried(&program, &serve), environment);
        assert_eq!(tried(&program, &[&serve[..], &["--listen", &flag]].concat()), flag);
        // Without a command it serves.
        assert_eq!(tried(&program, &[]), environment);
    }
}

mod default_sources {
    use super::*;

    #[test]
    fn stand_for_the_variables_that_are_set() {
        let sources = |program: Program| {
            let mut found = accepted(&program, &["--config", "receiver.toml"]);
            found.retain(|what| what.starts_with("sources."));
            found
        };
        let without_source = || Program::new().file("receiver.toml", "[server]\nlisten = '[::]:80'\n[sources]");
        let both = || without_source().set("HUNTR_WEBHOOK_SECRET", "a").set("HUNTY_API_KEY", "b");
        assert_eq!(sources(without_source().set("HUNTR_WEBHOOK_SECRET", "a")), ["sources.huntr"]);
        assert_eq!(sources(without_source().set("HUNTY_API_KEY", "b")), ["sources.hunty"]);
        assert_eq!(sources(both()), ["sources.huntr", "sources.hunty"]);
        let toml = "[sources.mine]\nprovider = 'hunty'\nsecrets = ['env:HUNTY_API_KEY']";
        assert_eq!(sources(both().file("receiver.toml", toml)), ["sources.mine"]);
    }

    #[test]
    fn must_not_have_an_empty_secret_or_a_wrong_header() {
        let program = Program::new()
            .set("HUNTR_WEBHOOK_SECRET", "")
            .set("HUNTY_API_KEY", "a key")
            .set("HUNTY_API_KEY_HEADER", "not a header");
        assert_snapshot!(program.run(&["check"]).refusal(), @"");
    }

    #[test]
    fn are_asked_for_when_there_is_none() {
        for command in ["serve", "check", "reverify"] {
            let outcome = Program::new().set("HUNTY_API_KEY_HEADER", "x-key").run(&[command]);
            assert_snapshot!(outcome.refusal(), @"");
        }
    }
}

mod mistakes {
    use super::*;

    #[test]
    fn are_told_all_at_once_by_their_full_keys() {
        let toml = r#"
            [server]
            listen = "localhost:8080"
            lisen = "0.0.0.0:8080"
            max_body = "2 potatoes"
            request_timeout = 10
            header_timeout = "10 parsecs"
            max_connections = -1
            drain_delay = "hunter2"

            [intake]
            max_queue = "many"
            max_batch = 0

            [database]
            url = "mysql://user:hunter2@localhost/db"
            migrate = "yes"

            [rejected_requests]
            max_count = 5000000000

            [spool]
            dir = 5

            [log]
            format = "xml"

            [tables]
            cohort_field = 2027

            [nope]

            [sources.huntr]
            provider = "huntr"
            secrets = ["hunter2", "env:UNSET", "file:/no/such/file", "env:EMPTY", "file:empty"]
            api = { url = "hunter2", token = "hunter2", evry = "15m" }

            [sources.hunty]
            provider = "hunty"
            header = "hunter2 hunter2"
            verify = "no"

            [sources."Not a name"]
            provider = "huntr"

            [sources.other]
            provider = "github"

            [sources.unsaid]

            [sinks.crm]
            kind = "pigeon"

            [sinks.nothing]
            kind = "file"
            types = []

            [sinks.tables]
            kind = "http"
        "#;
        let program = Program::new().set("EMPTY", "").file("empty", "\n").file("receiver.toml", toml);
        let outcome = program.run(&["--config", "receiver.toml", "check"]);
        assert!(!outcome.says("hunter2"), "{}", outcome.stderr);
        assert_snapshot!(outcome.refusal(), @"");
    }

    #[test]
    fn of_the_environment_and_the_command_line_say_so() {
        let program = Program::with_source()
            .set("RECEIVER__SERVER__LISEN", "127.0.0.1:80")
            .set("RECEIVER__DATABASE__MIGRATE", "perhaps")
            .set("RECEIVER__NOPE__NOPE", "1")
            .set("RECEIVER__SOURCES__HUNTR__VERIFY", "1")
            .set("DATABASE_URL", "");
        assert_snapshot!(program.run(&["check"]).refusal(), @"");
    }

    #[test]
    fn stop_every_command_alike() {
        for command in [
            &["serve"][..],
            &["check"],
            &["migrate"],
            &["send", "--all"],
            &["events", "list"],
            &["events", "show", "1"],
            &["reverify"],
        ] {
            let program = Program::with_source().set("RECEIVER__SERVER__LISEN", "127.0.0.1:80");
            assert!(program.run(command).refusal().contains("server.lisen"), "{command:?}");
            assert_eq!(program.files(), [""; 0], "{command:?}");
        }
    }

    #[test]
    fn include_what_is_not_in_effect_yet() {
        let outcome = refused("[server]\nallow_from = ['10.0.0.0/8']\ntrusted_proxies = ['10.0.0.0/8']");
        for option in ["server.allow_from", "server.trusted_proxies"] {
            assert!(outcome.says(&format!("{option}: there is no such option")), "{}", outcome.stderr);
        }
    }

    #[test]
    fn include_an_admin_listener_for_everybody_without_a_token() {
        let program = Program::with_source().set("RECEIVER__SERVER__ADMIN_LISTEN", "0.0.0.0:9090");
        assert_snapshot!(program.run(&["check"]).refusal(), @"");
        let program = Program::with_source();
        assert!(program.run(&["serve", "--admin-listen", "[::]:0"]).refusal().contains("server.admin_token"));
    }

    #[test]
    fn include_a_source_without_a_secret_unless_it_is_opted_out() {
        let source = |provider: &str, rest: &str| format!("[sources.a]\nprovider = '{provider}'\n{rest}");
        for provider in ["huntr", "hunty"] {
            assert!(refused(&source(provider, "")).says("sources.a.secrets: has no "));
            assert!(refused(&source(provider, "secrets = []")).says("sources.a.secrets: has no "));
            let program = Program::new().file("receiver.toml", source(provider, "verify = false"));
            accepted(&program, &["--config", "receiver.toml"]);
        }
    }

    /// With the place, and without the line itself, which may hold a secret.
    #[test]
    fn of_syntax_are_told_without_quoting_the_file() {
        let said: Vec<_> = [
            "[server]\nlisten = \"hunter2",
            "[server]\nlisten = hunter2",
            "[server\nlisten = 'hunter2'",
            "listen = 'hunter2'\nlisten = 'hunter2'",
            "hunter2",
            "'hunter2' = 'hunter2' 'hunter2'",
        ]
        .into_iter()
        .map(|toml| {
            let outcome = refused(toml);
            assert!(!outcome.says("hunter2"), "{}", outcome.stderr);
            outcome.stderr.lines().last().unwrap_or_default().to_owned()
        })
        .collect();
        assert_snapshot!(said.join("\n"), @"");
    }

    #[test]
    fn include_a_file_that_is_not_there() {
        for (path, why) in [("nowhere.toml", "No such file"), (".", "Is a directory"), ("/etc/shadow/x", "Not a dir")] {
            let outcome = Program::with_source().run(&["--config", path, "check"]);
            assert!(outcome.refusal().contains(&format!("{path}: cannot be read: {why}")), "{}", outcome.stderr);
            let outcome = Program::with_source().set("RECEIVER_CONFIG", path).run(&["check"]);
            assert!(outcome.refusal().contains(why), "{}", outcome.stderr);
        }
    }
}

/// Nothing listens on port 1, so every connection is refused at once.
#[test]
fn the_password_of_a_database_is_never_shown() {
    let url = "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2";
    for command in [
        &["serve"][..],
        &["check"],
        &["check", "--json"],
        &["migrate"],
        &["events", "list"],
        &["events", "show", "1"],
        &["reverify"],
    ] {
        for program in [
            Program::with_source().set("DATABASE_URL", url),
            Program::with_source().set("DATABASE_URL", "env:URL").set("URL", url),
            Program::with_source().set("RECEIVER__DATABASE__URL", url),
        ] {
            let outcome = program.set("RUST_LOG", "trace").run(command);
            assert_eq!(outcome.code, 1, "{command:?}");
            assert!(outcome.says("Connection refused") && outcome.says("postgres://127.0.0.1/db"), "{outcome:?}");
            assert!(!outcome.says("hunter2"), "{outcome:?}");
        }
    }
}
