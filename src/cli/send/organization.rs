//! The history of a sample organisation, on its way to one source.

use anyhow::{bail, ensure};
use chrono::NaiveTime;

use super::{Args, Misuse, Parcel, Round, letter::choose_sources};
use crate::{
    cli::time,
    domain::{Clock, SystemClock, Timestamp},
    providers::Sources,
};

const DEFAULT_SEED: u64 = 1;

/// Between the years that ids have room for.
const SECONDS: std::ops::Range<i64> = 31_536_000..4_102_444_800;

/// Every delivery of the organisation that the command line asks for.
pub(super) fn round<'a>(
    sources: &'a Sources,
    args: &Args,
    members: u32,
) -> anyhow::Result<Round<'a>> {
    let seed = args.seed.unwrap_or(DEFAULT_SEED);
    let ends_at = args.ends.unwrap_or_else(last_midnight);
    let chosen = choose_sources(sources, args.source.as_deref())?;
    let known = chosen.into_iter().filter_map(|source| {
        let arrivals = source.provider().organization(members, seed, ends_at)?;
        Some((source, arrivals))
    });
    let known: Vec<_> = known.collect();
    ensure!(
        !known.is_empty(),
        Misuse("there is a sample organisation for sources of Huntr only".into())
    );
    let Ok([(source, arrivals)]) = <[_; 1]>::try_from(known) else {
        bail!(Misuse(
            "--organization goes to one source: name it with --source".into()
        ))
    };
    let mut arrivals = arrivals.peekable();
    let begins_at = arrivals.peek().map_or(ends_at, |first| first.at);
    // In time of the organisation: how many deliveries there are shows only at the end.
    let minutes = move |at: Timestamp| (at - begins_at).num_minutes().unsigned_abs();
    let parcels = arrivals.map(move |arrival| Parcel {
        source,
        name: "organization".to_owned(),
        body: arrival.body.into(),
        progress: minutes(arrival.at),
    });
    Ok(Round {
        parcels: Box::new(parcels),
        length: minutes(ends_at),
    })
}

/// So that the history reaches up to now, and is the same all day.
fn last_midnight() -> Timestamp {
    let today = SystemClock.now().date_naive();
    today.and_time(NaiveTime::MIN).and_utc()
}

/// Reads `--ends`.
pub(super) fn end(text: &str) -> Result<Timestamp, String> {
    let time = time::parse(text)?;
    if SECONDS.contains(&time.timestamp()) {
        Ok(time)
    } else {
        Err("expected a time from 1971 to 2099".into())
    }
}
