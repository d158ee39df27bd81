//! What every command has in common: help with an example, and exit code 2 for a wrong call.

use crate::program::Program;

/// All commands and their commands, as the help lists them.
fn commands() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        next += 1;
        let help = help(&command);
        let listed = help
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty());
        let names = listed
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help");
        found.extend(names.map(|name| [&command[..], &[name.to_owned()]].concat()));
    }
    found
}

fn help(command: &[String]) -> String {
    let arguments: Vec<&str> = command
        .iter()
        .map(String::as_str)
        .chain(["--help"])
        .collect();
    let outcome = Program::new().run(&arguments);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (0, ""),
        "{command:?}"
    );
    outcome.stdout().to_owned()
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = commands();
    for expected in ["serve", "check", "migrate", "send", "events", "reverify"] {
        assert!(
            commands.contains(&vec![expected.to_owned()]),
            "{expected} is missing"
        );
    }
    for command in commands {
        let call = ["huntr-receiver"]
            .into_iter()
            .chain(command.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        let help = help(&command);
        let (_, examples) = help.split_once("\nExample").expect("an example");
        let example = examples
            .lines()
            .find(|line| line.starts_with("    ") && line.contains(&call));
        assert!(example.is_some(), "no example of {call}:\n{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 110),
            "too wide:\n{help}"
        );
    }
}

/// An example that is refused is worse than none.
#[test]
fn every_example_is_a_right_call() {
    for command in commands() {
        for line in help(&command)
            .lines()
            .filter(|line| line.starts_with("    "))
        {
            let Some((_, call)) = line.split_once("huntr-receiver ") else {
                continue;
            };
            let (call, _) = call.split_once(" > ").unwrap_or((call, ""));
            let arguments: Vec<_> = call.split_whitespace().collect();
            if ["send", "serve"].contains(&arguments[0]) {
                // Not to whoever may listen on the real port of this machine, nor in its place.
                continue;
            }
            let program = Program::with_source()
                .set("HUNTY_API_KEY", "a key")
                .set("DATABASE_URL", "postgres://127.0.0.1:1/db")
                .set("RECEIVER__SINKS__CRM__KIND", "stdout")
                .file("receiver.toml", "")
                .file("action.json", "{}")
                .file("member-fields.json", r#"[{"id":"5f","name":"Cohort"}]"#);
            let outcome = program.run(&arguments);
            assert_eq!(outcome.code, 1, "{line}: {outcome:?}");
            assert!(outcome.says("Connection refused"), "{line}: {outcome:?}");
        }
    }
}

#[test]
fn a_wrong_call_is_refused_with_exit_code_2() {
    for call in [
        &["fly"][..],
        &["--wings"],
        &["serve", "--listen", "localhost"],
        &["serve", "--listen"],
        &["check", "--wings"],
        &["migrate", "now"],
        &["events"],
        &["events", "show"],
        &["events", "show", "one"],
        &["events", "show", "1", "--json", "--body"],
        &["events", "list", "--limit", "0"],
        &["events", "list", "--limit", "10001"],
        &["events", "list", "--since", "yesterday"],
        &["events", "list", "--before", "x"],
        &["send"],
        &["send", "--all", "--type", "JOB_MOVED"],
        &["send", "--all", "--count", "0"],
        &["send", "--all", "--rate", "0"],
        &["send", "--all", "--url", "nowhere"],
        &["send", "--all", "--seed", "7"],
        &["send", "--all", "--ends", "2026-06-01"],
        &["send", "--organization", "0"],
        &["send", "--organization", "2", "--all"],
        &["send", "--organization", "2", "--count", "3"],
        &["send", "--organization", "2", "--seed", "seven"],
        &["send", "--organization", "2", "--ends", "1950-01-01"],
        &["--config"],
    ] {
        let program = Program::with_source();
        program.run(call).refusal();
        assert_eq!(program.files(), [""; 0], "{call:?}");
    }
}

#[test]
fn the_version_is_told() {
    let outcome = Program::new().run(&["--version"]);
    assert_eq!(
        outcome.stdout(),
        concat!("huntr-receiver ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
