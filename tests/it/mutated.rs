//! The invariants, held by the samples and by what chance makes of them: the same each time.

use std::path::Path;

use huntr_receiver::providers::{Config, Sample};
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};

use crate::invariants;

/// What is worth putting anywhere.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\0",
    b"\xff",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"1588634675",
    b"0.1",
    b"9007199254740993",
    b"\\u0000",
    b"\\ud800",
    b"\"id\":",
    b"\"date\":1,",
    b"\n---\n",
    b"/",
    b"%",
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/invariants/seeds");
    let files = folder.join(target).read_dir().expect("seeds");
    let mut paths: Vec<_> = files.map(|file| file.expect("a seed").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| std::fs::read(path).expect("a seed");
    paths.iter().map(read).collect()
}

fn samples(provider: &str) -> Vec<Vec<u8>> {
    let trusting: figment::value::Dict = [("verify".to_owned(), false.into())].into();
    let config = Config::read(provider, &trusting.into()).expect("options");
    let body = |sample: &Sample| sample.body.as_bytes().to_vec();
    config.build().samples().iter().map(body).collect()
}

/// One to four changes to a seed.
fn mutated(rng: &mut SmallRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds.choose(rng).expect("a seed").clone();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..32)).min(bytes.len());
        match rng.random_range(0..5) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            2 => {
                let other = seeds.choose(rng).expect("a seed");
                let from = rng.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            3 => bytes[at..end]
                .iter_mut()
                .take(1)
                .for_each(|byte| *byte = rng.random()),
            _ => {
                let word = WORDS.choose(rng).expect("a word");
                drop(bytes.splice(at..at, word.iter().copied()));
            }
        }
    }
    bytes
}

fn hold(seeds: &[Vec<u8>], mutations: u64, check: impl Fn(&[u8])) {
    assert!(!seeds.is_empty());
    for seed in seeds {
        check(seed);
    }
    for number in 0..mutations {
        let input = mutated(&mut SmallRng::seed_from_u64(number), seeds);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&input)));
        assert!(checked.is_ok(), "the input was:\n{}", input.escape_ascii());
    }
}

#[test]
fn a_signature_opens_only_when_it_is_right() {
    hold(&seeds("signature"), 3000, invariants::signature::check);
}

#[test]
fn any_body_of_huntrs_is_an_event() {
    hold(&samples("huntr"), 2000, |body| {
        invariants::body::check("huntr", body);
    });
}

#[test]
fn any_body_of_huntys_is_an_event() {
    hold(&samples("hunty"), 3000, |body| {
        invariants::body::check("hunty", body);
    });
}

#[test]
fn a_configuration_is_accepted_or_refused_by_its_keys() {
    hold(
        &seeds("configuration"),
        300,
        invariants::configuration::check,
    );
}

#[test]
fn an_expression_decides_or_says_why() {
    hold(&seeds("filter"), 600, invariants::filter::check);
}

#[test]
fn a_template_makes_a_text_or_says_why() {
    hold(&seeds("template"), 2000, invariants::template::check);
}

#[test]
fn a_damaged_spool_is_read_or_refused() {
    hold(&seeds("spool"), 150, invariants::spool::check);
}
