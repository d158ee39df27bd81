//! What is said of mistakes.

use insta::assert_snapshot;

use super::{accepted, refused};
use crate::program::Program;

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
        kind = "stdout"
        types = []

        [sinks.tables]
        kind = "http"
    "#;
    let program = Program::new()
        .set("EMPTY", "")
        .file("empty", "\n")
        .file("receiver.toml", toml);
    let outcome = program.run(&["--config", "receiver.toml", "check"]);
    assert!(!outcome.says("hunter2"), "{}", outcome.stderr);
    assert_snapshot!(outcome.refusal(), @r#"
    error: the configuration is not usable:
      server.drain_delay: is not a duration like "10s" or "3d": expected number at 0 (in receiver.toml)
      server.header_timeout: is not a duration like "10s" or "3d": unknown time unit "parsecs", supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations) (in receiver.toml)
      server.lisen: there is no such option; there are listen, admin_listen, admin_token, max_body, request_timeout, header_timeout, idle_timeout, max_connections, allow_from, trusted_proxies, drain_delay (in receiver.toml)
      server.listen: invalid socket address syntax (in receiver.toml)
      server.max_body: must be a size like "2 MiB" (in receiver.toml)
      server.max_connections: must be a whole number, 0 or more (in receiver.toml)
      server.request_timeout: must be a text, not a number (in receiver.toml)
      intake.max_queue: must be a whole number, 0 or more, not a text (in receiver.toml)
      intake.max_batch: must be from 1 to 1000000 (in receiver.toml)
      database.migrate: must be true or false, not a text (in receiver.toml)
      database.url: must start with postgres:// or sqlite: (in receiver.toml)
      rejected_requests.max_count: must be a whole number from 0 to 4294967295 (in receiver.toml)
      log.format: must be one of auto, text, json (in receiver.toml)
      spool.dir: must be a text, not a number (in receiver.toml)
      tables.cohort_field: must be a text, not a number (in receiver.toml)
      sinks.tables: this name is reserved for the typed tables (in receiver.toml)
      sources.Not a name: is not a name: 1 to 63 characters of a-z, 0-9, _ and - (in receiver.toml)
      sources.huntr.api.evry: there is no such option; there are url, token, every, lookback (in receiver.toml)
      sources.huntr.api.token: is written out; secrets are kept out of the configuration: put it into an environment variable and write "env:NAME", or into a file and write "file:/path" (in receiver.toml)
      sources.huntr.api.url: is not a URL like https://example.com (in receiver.toml)
      sources.huntr.secrets.0: is written out; secrets are kept out of the configuration: put it into an environment variable and write "env:NAME", or into a file and write "file:/path" (in receiver.toml)
      sources.huntr.secrets.1: env:UNSET is not set, or not UTF-8 (in receiver.toml)
      sources.huntr.secrets.2: file:/no/such/file cannot be read: No such file or directory (os error 2) (in receiver.toml)
      sources.huntr.secrets.3: env:EMPTY is empty (in receiver.toml)
      sources.huntr.secrets.4: file:empty is empty (in receiver.toml)
      sources.hunty.header: is not the name of an HTTP header (in receiver.toml)
      sources.hunty.verify: must be true or false, not a text (in receiver.toml)
      sources.hunty.secrets: has no key; write ["env:HUNTY_API_KEY"] and set that variable to the value you gave Hunty
      sources.other.provider: must be one of huntr, hunty (in receiver.toml)
      sources.unsaid.provider: is missing, or no text
      sinks.crm.kind: must be one of http, slack, file, stdout, nats, kafka, rabbitmq, redis, s3, sqs (in receiver.toml)
      sinks.nothing.types: is empty, so the sink would get nothing; leave it out for all (in receiver.toml)
      nope: there is no such section (in receiver.toml)
    "#);
}

#[test]
fn of_the_environment_say_so() {
    let program = Program::with_source()
        .set("RECEIVER__SERVER__LISEN", "127.0.0.1:80")
        .set("RECEIVER__DATABASE__MIGRATE", "perhaps")
        .set("RECEIVER__NOPE__NOPE", "1")
        .set("RECEIVER__SOURCES__HUNTR__VERIFY", "1")
        .set("DATABASE_URL", "");
    assert_snapshot!(program.run(&["check"]).refusal(), @r#"
    error: the configuration is not usable:
      server.lisen: there is no such option; there are listen, admin_listen, admin_token, max_body, request_timeout, header_timeout, idle_timeout, max_connections, allow_from, trusted_proxies, drain_delay (in the environment)
      database.migrate: must be true or false, not a text (in the environment)
      database.url: must start with postgres:// or sqlite: (in DATABASE_URL)
      sources.huntr.provider: is missing, or no text
      nope: there is no such section (in the environment)
    "#);
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
        assert!(
            program.run(command).refusal().contains("server.lisen"),
            "{command:?}"
        );
        assert_eq!(program.files(), [""; 0], "{command:?}");
    }
}

#[test]
fn include_what_is_no_network_and_no_rate() {
    let outcome = refused(
        "[server]
        allow_from = []
        trusted_proxies = ['10.0.0.0/8', 'caddy']

        [sources.a]
        provider = 'huntr'
        verify = false
        allow_from = ['10.0.0.0/33']
        rate_limit = '100'

        [sources.b]
        provider = 'hunty'
        verify = false
        allow_from = []
        rate_limits = '100/s'",
    );
    assert_snapshot!(outcome.refusal(), @r#"
    error: the configuration is not usable:
      server.trusted_proxies.1: is not a network like "10.0.0.0/8" or "2001:db8::/32", nor an address (in receiver.toml)
      server.allow_from: is empty, so nobody could post; leave it out for everybody (in receiver.toml)
      sources.a.allow_from.0: is not a network like "10.0.0.0/8" or "2001:db8::/32", nor an address (in receiver.toml)
      sources.a.rate_limit: is not a rate like "100/s", "6000/min", "50000/h" or "100/s burst 500" (in receiver.toml)
      sources.b.rate_limits: there is no such option; there are provider, header, secrets, verify, allow_from, rate_limit (in receiver.toml)
      sources.b.allow_from: is empty, so nobody could post; write ["0.0.0.0/0", "::/0"] for everybody (in receiver.toml)
    "#);
}

#[test]
fn include_an_admin_listener_for_everybody_without_a_token() {
    let program = Program::with_source().set("RECEIVER__SERVER__ADMIN_LISTEN", "0.0.0.0:9090");
    assert_snapshot!(program.run(&["check"]).refusal(), @r#"
    error: the configuration is not usable:
      server.admin_token: is required because server.admin_listen is not a loopback address; write "env:RECEIVER_ADMIN_TOKEN" and set that variable
    "#);
    let program = Program::with_source();
    assert!(
        program
            .run(&["serve", "--admin-listen", "[::]:0"])
            .refusal()
            .contains("server.admin_token")
    );
}

#[test]
fn include_a_source_without_a_secret_unless_it_is_opted_out() {
    let source =
        |provider: &str, rest: &str| format!("[sources.a]\nprovider = '{provider}'\n{rest}");
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
    assert_snapshot!(said.join("\n"), @r#"
    receiver.toml: TOML parse error at line 2, column 18: invalid basic string
    receiver.toml: TOML parse error at line 2, column 10: invalid string: expected `"`, `'`
    receiver.toml: TOML parse error at line 1, column 8: invalid table header: expected `.`, `]`
    receiver.toml: TOML parse error at line 2, column 1: duplicate key `listen` in document root
    receiver.toml: TOML parse error at line 1, column 8: expected `.`, `=`
    receiver.toml: TOML parse error at line 1, column 23: expected newline, `#`
    "#);
}

#[test]
fn include_a_file_that_is_not_there() {
    for (path, why) in [
        ("nowhere.toml", "No such file"),
        (".", "Is a directory"),
        ("/dev/null/x", "Not a directory"),
    ] {
        let outcome = Program::with_source().run(&["--config", path, "check"]);
        assert!(
            outcome
                .refusal()
                .contains(&format!("{path}: cannot be read: {why}")),
            "{}",
            outcome.stderr
        );
        let outcome = Program::with_source()
            .set("RECEIVER_CONFIG", path)
            .run(&["check"]);
        assert!(outcome.refusal().contains(why), "{}", outcome.stderr);
    }
}

#[test]
fn include_a_file_that_two_would_write() {
    let toml = "[sinks.a]\nkind = 'file'\npath = 'out.ndjson'\n\
                [sinks.b]\nkind = 'file'\npath = 'out.ndjson'\n\
                [sinks.c]\nkind = 'file'\npath = 'data/receiver.db'\n";
    let outcome = Program::with_source().file("receiver.toml", toml).run(&[
        "--config",
        "receiver.toml",
        "check",
    ]);
    assert_snapshot!(outcome.refusal(), @r"
    error: the configuration is not usable:
      sinks.b.path: is the file of sinks.a.path, too (in receiver.toml)
      sinks.c.path: is the file of database.url, too (in receiver.toml)
    ");
}

#[test]
fn a_field_without_a_name_is_none() {
    let outcome = refused("[tables]\ncohort_field = ' '\n");
    let why = "tables.cohort_field: must be the name or the id of a member field";
    assert!(outcome.says(why), "{outcome:?}");
}
