//! Keeps true what `lib.rs` says of the modules, by reading their source.

mod source;

use std::collections::BTreeSet;

use source::{File, files};

/// From the bottom to the top. A module uses what is in a line below its own, and nothing beside it.
const LAYERS: [&[&str]; 10] = [
    &[
        "disk", "domain", "metrics", "networks", "sampling", "secret", "shutdown", "units",
    ],
    &["providers", "sinks", "store"],
    &["spool"],
    &["intake", "projections"],
    &["deliveries"],
    &["http", "reconcile", "telemetry"],
    &["config"],
    &["app"],
    &["cli"],
    &["lib", "main"],
];

/// How a vendor might be called in code.
const VENDORS: [&str; 2] = ["huntr", "hunty"];

fn layer(module: &str) -> usize {
    let layer = LAYERS.iter().position(|modules| modules.contains(&module));
    layer.unwrap_or_else(|| panic!("the module {module} has no place in LAYERS yet"))
}

/// The modules beside and above its own that a file uses.
fn used_upwards(file: &File) -> Vec<String> {
    let module = file.module();
    let is_not_below = |used: &String| *used != module && layer(used) >= layer(&module);
    file.modules_used()
        .into_iter()
        .filter(is_not_below)
        .map(|used| format!("{}: {used}", file.path))
        .collect()
}

#[test]
fn imports_only_go_down() {
    let upwards: Vec<_> = files("src").iter().flat_map(used_upwards).collect();
    assert_eq!(upwards, [""; 0]);
}

#[test]
fn an_import_that_goes_up_is_found() {
    for (path, code) in [
        ("src/domain/event.rs", "use crate::units;"),
        (
            "src/store/mod.rs",
            "use crate::{\n    domain::Name,\n    providers::Source,\n};",
        ),
        ("src/intake/mod.rs", "fn f() -> crate::http::Config {}"),
        (
            "src/http/config.rs",
            "#[serde(with = \"crate::config::duration\")]",
        ),
        ("src/units.rs", "mod tests { use crate::domain; }"),
    ] {
        assert_eq!(
            used_upwards(&File::new(path.into(), code.into())).len(),
            1,
            "{code}"
        );
    }
    let down = "use crate::{config::Config, domain::Name}; // and not crate::cli";
    assert_eq!(
        used_upwards(&File::new("src/app.rs".into(), down.into())),
        [""; 0]
    );
}

/// The check above sees nothing else.
#[test]
fn no_module_leaves_its_room_but_through_the_crates_root() {
    let leaves = |file: &File| {
        let up = file.code.matches("super::super::").count();
        // The tests of a folder's `mod.rs` and of a file on the top level see the room by `super::`.
        let is_top = file.path.split('/').count() == 2;
        up > 0 || (is_top && file.production().contains("super::"))
    };
    assert_eq!(paths(leaves), [""; 0]);
}

#[test]
fn the_domain_and_the_small_tools_use_nothing_of_ours() {
    for file in files("src") {
        if layer(&file.module()) == 0 {
            let others: Vec<_> = file
                .modules_used()
                .into_iter()
                .filter(|used| *used != file.module())
                .collect();
            assert_eq!(others, [""; 0], "{}", file.path);
        }
    }
}

/// In comments, and in sentences for people, a vendor may be named: there is no other way to say
/// which variable holds whose secret.
#[test]
fn code_outside_the_providers_knows_no_vendor() {
    for file in files("src")
        .into_iter()
        .filter(|file| file.module() != "providers")
    {
        let words: BTreeSet<_> = identifiers(&file.code).map(str::to_lowercase).collect();
        let vendors = words
            .iter()
            .filter(|word| *word != "huntr_receiver" && VENDORS.iter().any(|v| word.contains(v)));
        assert_eq!(vendors.collect::<Vec<_>>(), [""; 0], "{}", file.path);
        // What a program would compare with: "huntr", "x-huntr-…", "HUNTR_…". A sentence has blanks.
        let names_a_vendor = |text: &&String| {
            let text = text
                .to_lowercase()
                .replace("huntr-receiver", "")
                .replace("huntr_receiver", "");
            !text.contains(' ') && VENDORS.iter().any(|vendor| text.contains(vendor))
        };
        let names: Vec<_> = file.texts.iter().filter(names_a_vendor).collect();
        assert_eq!(names, [""; 0], "{}", file.path);
    }
}

#[test]
fn only_a_provider_vouches_for_a_body() {
    let file = files("src")
        .into_iter()
        .find(|file| file.path == "src/providers/verified.rs");
    let code = file.expect("the file of Verified").code;
    let (_, declaration) = code
        .split_once("pub struct Verified {")
        .expect("its declaration");
    let (fields, _) = declaration.split_once('}').expect("its end");
    assert!(!fields.contains("pub"), "its fields are private: {fields}");
    assert!(
        code.contains("#[derive(Debug)]\npub struct Verified {"),
        "it can neither be copied nor read from elsewhere"
    );
    assert!(code.contains("pub(super) fn new(body: Bytes, credential: Credential) -> Self"));
    let made: Vec<_> = code.matches("-> Self").collect();
    assert_eq!(
        made.len(),
        2,
        "one constructor of Verified, and one of Envelope"
    );

    let vouch = paths(|file| file.production().contains("Verified::new("));
    assert_eq!(
        vouch,
        ["src/providers/huntr/mod.rs", "src/providers/hunty/mod.rs"]
    );
}

#[test]
fn only_a_source_makes_an_event_and_the_spool_gives_one_back() {
    let makes = |file: &File| {
        let code = file.production();
        code.match_indices("NewEvent {").any(|(at, _)| {
            let before = &code[..at];
            !["struct ", "-> ", "impl ", "for "]
                .iter()
                .any(|word| before.ends_with(word))
        })
    };
    assert_eq!(
        paths(makes),
        ["src/providers/source.rs", "src/spool/rows.rs"]
    );
}

#[test]
fn every_file_says_in_its_first_line_what_it_does() {
    for file in [files("src"), files("tests"), files("benches")].concat() {
        assert!(file.text.starts_with("//! "), "{}", file.path);
    }
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    for file in [files("src"), files("tests"), files("benches")].concat() {
        let lines = file.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.path);
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let migrations = source::names("migrations/postgres");
    assert_eq!(migrations, source::names("migrations/sqlite"));
    assert!(!migrations.is_empty());
}

/// The files in `src` that are so.
fn paths(is_so: impl Fn(&File) -> bool) -> Vec<String> {
    files("src")
        .into_iter()
        .filter(is_so)
        .map(|file| file.path)
        .collect()
}

fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
