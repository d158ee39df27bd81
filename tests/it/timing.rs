//! How long verification takes tells nothing of a secret: not how much of a signature is right, not which secret it
//! matches, not how long a key is.
//!
//! Times are not judged, as machines differ and are busy: kinds of requests are compared with each other, taken in turn
//! at random. What chance alone makes of one kind is measured as well, by dividing it at random into two, and a
//! difference between two kinds counts when it is larger than that.

use std::{hint::black_box, time::Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use huntr_receiver::{
    providers::{Credential, Provider, huntr, hunty},
    secret::Secret,
};
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};

const TRIES: usize = 100_000;
const BODY: &[u8] = br#"{"id":"5eb0a4338899ba51bf96f646","actionType":"JOB_CREATED"}"#;
const SECRETS: [&str; 3] = ["first", "a longer second secret", "third"];

/// Where distributions are compared, in percent. What is slower than that is the machine, and says nothing.
const QUANTILES: [usize; 5] = [5, 10, 25, 50, 75];
/// How often chance is asked what it does.
const DIVISIONS: u64 = 20;
/// A difference so many times as large as any of chance's is none of chance's.
const BAND: f64 = 3.0;
/// What one comparison may cost more than another for where it is in memory, as a part of the whole.
const LEEWAY: f64 = 0.01;

/// A kind of request, and how long each took, in nanoseconds.
struct Kind {
    name: &'static str,
    times: Vec<f64>,
}

/// What is compared of a distribution: its quantiles, and the mean of all but the slowest quarter.
fn figures(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    let at = |percent: &usize| times[times.len() * percent / 100];
    let mut figures: Vec<_> = QUANTILES.iter().map(at).collect();
    let usual = &times[..times.len() * 3 / 4];
    #[expect(clippy::cast_precision_loss, reason = "a count of tries")]
    figures.push(usual.iter().sum::<f64>() / usual.len() as f64);
    figures
}

fn difference(some: &[f64], others: &[f64]) -> Vec<f64> {
    let pairs = some.iter().zip(others);
    pairs.map(|(one, other)| (one - other).abs()).collect()
}

/// The largest difference that chance makes between two halves of one kind, for each figure.
fn by_chance(kinds: &[Kind]) -> Vec<f64> {
    let mut largest = vec![0.0; QUANTILES.len() + 1];
    for number in 0..DIVISIONS {
        let kind = &kinds[usize::try_from(number).expect("a number") % kinds.len()];
        let mut times = kind.times.clone();
        times.shuffle(&mut SmallRng::seed_from_u64(number));
        let other = times.split_off(times.len() / 2);
        let differences = difference(&figures(times), &figures(other));
        largest = largest
            .iter()
            .zip(differences)
            .map(|(a, b): (&f64, f64)| a.max(b))
            .collect();
    }
    largest
}

/// Lets each kind be tried so often, one after the other in no order, and measures.
fn measured<const N: usize>(
    names: [&'static str; N],
    mut attempt: impl FnMut(usize) -> u64,
) -> Vec<Kind> {
    let mut kinds = names.map(|name| Kind {
        name,
        times: Vec::with_capacity(TRIES),
    });
    let mut rng = SmallRng::seed_from_u64(4711);
    let mut left: Vec<usize> = (0..N).collect();
    while !left.is_empty() {
        let turn = rng.random_range(0..left.len());
        let kind = left[turn];
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one try")]
        kinds[kind].times.push(attempt(kind) as f64);
        if kinds[kind].times.len() == TRIES {
            left.swap_remove(turn);
        }
    }
    kinds.into()
}

/// What differs between kinds by more than chance, in words.
fn told_apart(kinds: &[Kind]) -> Vec<String> {
    let chance = by_chance(kinds);
    let all: Vec<_> = kinds
        .iter()
        .map(|kind| figures(kind.times.clone()))
        .collect();
    let mut found = Vec::new();
    for (number, (kind, of_kind)) in kinds.iter().zip(&all).enumerate() {
        for (other, of_other) in kinds.iter().zip(&all).skip(number + 1) {
            let differences = difference(of_kind, of_other);
            let is_told = |((difference, chance), figure): ((&f64, &f64), &f64)| {
                *difference > BAND * chance + LEEWAY * figure
            };
            let told = differences
                .iter()
                .zip(&chance)
                .zip(of_kind)
                .filter(|figures| is_told(*figures));
            // A figure or two may be the machine's doing.
            if told.count() > figures_by_chance() {
                found.push(format!(
                    "{} and {}: {of_kind:.0?} and {of_other:.0?} ns, by chance {chance:.0?}",
                    kind.name, other.name
                ));
            }
        }
    }
    found
}

fn figures_by_chance() -> usize {
    QUANTILES.len() / 2
}

fn huntr() -> huntr::Huntr {
    huntr::Huntr::new(&huntr::Config {
        secrets: SECRETS.map(Secret::new).into(),
        verify: true,
        api: None,
    })
}

/// A signature of the body by one of the secrets.
fn signature(secret: &str) -> Credential {
    let config = huntr::Config {
        secrets: vec![Secret::new(secret)],
        verify: true,
        api: None,
    };
    let huntr = huntr::Huntr::new(&config);
    let (name, value) = huntr.sign(BODY).expect("a signature");
    huntr
        .credential(&HeaderMap::from_iter([(name, value)]))
        .expect("a signature")
}

/// With other bits at these places.
fn spoiled(credential: &Credential, places: impl IntoIterator<Item = usize>) -> Credential {
    let mut credential = credential.clone();
    let (Credential::Signature { mac: bytes, .. } | Credential::KeyDigest(bytes)) = &mut credential
    else {
        unreachable!("it is a proof");
    };
    places.into_iter().for_each(|place| bytes[place] ^= 0x55);
    credential
}

fn nanoseconds(provider: &dyn Provider, credential: &Credential, body: &Bytes) -> u64 {
    let (credential, body) = (credential.clone(), body.clone());
    let started = Instant::now();
    let verified = black_box(provider.verify(black_box(credential), body));
    let took = started.elapsed();
    drop(verified);
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

fn compare<const N: usize>(provider: &dyn Provider, kinds: &[(&'static str, Credential); N]) {
    let body = Bytes::from_static(BODY);
    let names = kinds.each_ref().map(|(name, _)| *name);
    let measured = measured(names, |kind| nanoseconds(provider, &kinds[kind].1, &body));
    assert_eq!(told_apart(&measured), [""; 0]);
}

#[test]
fn how_much_of_a_signature_is_right_is_not_told() {
    let right = signature(SECRETS[0]);
    compare(
        &huntr(),
        &[
            ("right", right.clone()),
            ("first byte wrong", spoiled(&right, [0])),
            ("last byte wrong", spoiled(&right, [31])),
            ("second half wrong", spoiled(&right, 16..32)),
            ("all wrong", spoiled(&right, 0..32)),
        ],
    );
}

#[test]
fn which_secret_a_signature_matches_is_not_told() {
    compare(&huntr(), &SECRETS.map(|secret| (secret, signature(secret))));
}

#[test]
fn how_much_of_a_key_is_right_and_how_long_it_is_is_not_told() {
    let header = HeaderName::from_static("x-auth-api-key");
    let hunty = hunty::Hunty::new(&hunty::Config {
        header: header.clone(),
        secrets: SECRETS.map(Secret::new).into(),
        verify: true,
    });
    let presented = |key: &str| {
        let value = HeaderValue::from_str(key).expect("a header");
        let headers = HeaderMap::from_iter([(header.clone(), value)]);
        hunty.credential(&headers).expect("a key")
    };
    compare(
        &hunty,
        &[
            ("short", presented("f")),
            ("first character wrong", presented("airst")),
            ("last character wrong", presented("firsa")),
            ("the second's length", presented("a longer second secrea")),
            ("long", presented(&"x".repeat(4000))),
        ],
    );
    let right = presented(SECRETS[0]);
    compare(
        &hunty,
        &[
            ("right", right.clone()),
            ("first bit of its digest", spoiled(&right, [0])),
            ("last bit of its digest", spoiled(&right, [31])),
        ],
    );
    compare(&hunty, &SECRETS.map(|key| (key, presented(key))));
}

/// The comparison finds what it is to find: one that ends with the first difference.
#[test]
fn a_comparison_that_ends_early_is_told() {
    let right = [7_u8; 32];
    let wrong = |place: usize| {
        let mut bytes = right;
        bytes[place] ^= 1;
        bytes
    };
    let kinds = [wrong(0), wrong(31)];
    let measured = measured(["first byte wrong", "last byte wrong"], |kind| {
        let started = Instant::now();
        let pairs = black_box(right).into_iter().zip(black_box(kinds[kind]));
        black_box(pairs.into_iter().all(|(ours, theirs)| ours == theirs));
        u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    });
    assert_eq!(told_apart(&measured).len(), 1);
}
