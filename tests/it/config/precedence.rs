//! What wins over what.

use std::net::TcpListener;

use super::accepted;
use crate::program::Program;

#[test]
fn of_the_database_defaults_file_and_environment() {
    let database = |program: &Program, arguments: &[&str]| accepted(program, arguments)[1].clone();
    let program = Program::with_source()
        .file("one.toml", "[database]\nurl = 'sqlite:one'")
        .file("two.toml", "[database]\nurl = 'sqlite:two'");
    assert_eq!(
        database(&program, &[]),
        "database.url (sqlite:data/receiver.db)"
    );
    let program = program.set("RECEIVER_CONFIG", "one.toml");
    assert_eq!(database(&program, &[]), "database.url (sqlite:one)");
    assert_eq!(
        database(&program, &["--config", "two.toml"]),
        "database.url (sqlite:two)"
    );
    let program = program.set("DATABASE_URL", "sqlite:three");
    assert_eq!(database(&program, &[]), "database.url (sqlite:three)");
    let program = program.set("RECEIVER__DATABASE__URL", "sqlite:four");
    assert_eq!(database(&program, &[]), "database.url (sqlite:four)");
}

/// `serve` cannot listen where somebody listens already, and tells where it tried to.
#[test]
fn of_the_listener_file_environment_and_flag() {
    let taken = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [file, environment, flag] = taken
        .each_ref()
        .map(|taken| taken.local_addr().expect("an address").to_string());
    let tried = |program: &Program, arguments: &[&str]| {
        let outcome = program.run(arguments);
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        let (_, tried) = outcome
            .stderr
            .split_once("listening on ")
            .expect("an address");
        tried.lines().next().unwrap_or_default().to_owned()
    };
    let program =
        Program::with_source().file("receiver.toml", format!("[server]\nlisten = '{file}'"));
    let serve = ["--config", "receiver.toml", "serve"];
    assert_eq!(tried(&program, &serve), file);
    let program = program.set("RECEIVER__SERVER__LISTEN", &environment);
    assert_eq!(tried(&program, &serve), environment);
    assert_eq!(
        tried(&program, &[&serve[..], &["--listen", &flag]].concat()),
        flag
    );
    // Without a command it serves.
    assert_eq!(tried(&program, &[]), environment);
}
