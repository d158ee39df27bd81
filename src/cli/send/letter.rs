//! Which samples or file are posted, and to whom: chosen by the command line.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;

use super::{Args, Misuse, Parcel, Round};
use crate::providers::{Sample, Source, Sources};

/// One kind of body for one source.
struct Letter<'a> {
    source: &'a Source,
    name: String,
    content: Content,
}

enum Content {
    Sample(&'static Sample),
    File(Bytes),
}

impl Letter<'_> {
    /// The bytes to post; a sample that gets a number becomes another delivery.
    fn body(&self, number: Option<u64>) -> Bytes {
        match (&self.content, number) {
            (Content::File(body), _) => body.clone(),
            (Content::Sample(sample), None) => Bytes::from_static(sample.body.as_bytes()),
            (Content::Sample(sample), Some(number)) => {
                self.source.provider().renumber(sample, number).into()
            }
        }
    }
}

/// Every letter that the command line asks for, as often as it asks for it.
pub(super) fn round<'a>(sources: &'a Sources, args: &Args) -> anyhow::Result<Round<'a>> {
    let letters = choose(sources, args)?;
    let is_new = args.count.is_some();
    let kinds = letters.len() as u64;
    let length = kinds * args.count.unwrap_or(1);
    // Far enough from every other run's first number, so that no two runs share an id.
    let first_number = rand::random::<u64>() >> 24 << 24;
    let parcels = (0..length)
        .zip(first_number..)
        .zip((0..letters.len()).cycle())
        .map(move |((sent, number), letter)| {
            let letter = &letters[letter];
            Parcel {
                source: letter.source,
                name: letter.name.clone(),
                body: letter.body(is_new.then_some(number)),
                progress: sent + 1,
            }
        });
    Ok(Round {
        parcels: Box::new(parcels),
        length,
    })
}

fn choose<'a>(sources: &'a Sources, args: &Args) -> anyhow::Result<Vec<Letter<'a>>> {
    let chosen = choose_sources(sources, args.source.as_deref())?;
    if let Some(path) = &args.what.file {
        let [source] = chosen[..] else {
            bail!(Misuse(
                "--file goes to one source: name it with --source".into()
            ))
        };
        return Ok(vec![file(source, path)?]);
    }
    let letters = samples(&chosen, args.what.event_type.as_deref());
    ensure!(!letters.is_empty(), no_such_sample(sources));
    Ok(letters)
}

pub(super) fn choose_sources<'a>(
    sources: &'a Sources,
    name: Option<&str>,
) -> anyhow::Result<Vec<&'a Source>> {
    if let Some(name) = name {
        let source = sources.get(name).ok_or_else(|| Misuse::no_source(name))?;
        return Ok(vec![source]);
    }
    let with_secret = |source: &&Source| source.provider().sign(b"").is_some();
    let chosen: Vec<_> = sources.values().filter(with_secret).collect();
    ensure!(
        !chosen.is_empty(),
        Misuse("no source has a secret to sign with".into())
    );
    Ok(chosen)
}

fn file<'a>(source: &'a Source, path: &Path) -> anyhow::Result<Letter<'a>> {
    let body = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Letter {
        source,
        name: path.display().to_string(),
        content: Content::File(body.into()),
    })
}

/// The sample of that name, or every documented one.
fn samples<'a>(sources: &[&'a Source], name: Option<&str>) -> Vec<Letter<'a>> {
    let wanted = |sample: &Sample| match name {
        Some(name) => sample.name.eq_ignore_ascii_case(name),
        None => sample.documented,
    };
    let mut letters = Vec::new();
    for &source in sources {
        let samples = source.provider().samples().iter();
        letters.extend(
            samples
                .filter(|sample| wanted(sample))
                .map(|sample| Letter {
                    source,
                    name: sample.name.to_owned(),
                    content: Content::Sample(sample),
                }),
        );
    }
    letters
}

fn no_such_sample(sources: &Sources) -> Misuse {
    let samples = sources
        .values()
        .flat_map(|source| source.provider().samples());
    let names: BTreeSet<_> = samples.map(|sample| sample.name).collect();
    let names = Vec::from_iter(names).join(", ");
    Misuse(format!("there is no such sample; there are {names}"))
}
