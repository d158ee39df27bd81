//! Inserts a batch: new rows by one statement, and a second one only when some were there before.

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{
    column::column,
    conflicts::{Digest256, insert_conflicts},
    error::store_error,
};
use crate::{
    domain::{EventId, Insertion, NewDelivery, NewEvent},
    store::{StoreError, rows::millis},
};

/// What is there already is left as it is, and not returned. The rows come by key, and get their ids by their
/// place in order of arrival.
const INSERT_EVENTS: &str = "
with ids as materialized (
    select array_agg(nextval(pg_get_serial_sequence('events', 'id'))) as ids
    from generate_series(1, cardinality($1::text[]))
)
insert into events (id, source, provider, delivery_id, event_type, occurred_at, received_at, origin,
                    envelope_version, signature, body, problem)
overriding system value
select ids[place], source, provider, delivery_id, event_type, occurred_at, received_at, origin,
       envelope_version, signature, body, problem
from ids
cross join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                  $7::text[], $8::smallint[], $9::text[], $10::bytea[], $11::text[], $12::integer[])
    as new (source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version,
            signature, body, problem, place)
on conflict (source, delivery_id) do nothing
returning id, source, delivery_id";

/// A statement of its own: the one that inserts cannot see what another replica committed meanwhile.
const FIND_EVENTS: &str = "
select events.id, events.source, events.delivery_id, sha256(events.body) as body_sha256
from unnest($1::text[], $2::text[]) as wanted (source, delivery_id)
join events on events.source = wanted.source and events.delivery_id = wanted.delivery_id";

/// Leases run by the database's clock.
const INSERT_DELIVERIES: &str = "
insert into deliveries (event_id, sink, order_key, leased_by, created_at, next_attempt_at)
select event_id, sink, order_key, leased_by, now(), now() + lease_ms * interval '1 millisecond'
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
     as new (event_id, sink, order_key, leased_by, lease_ms)
on conflict do nothing";

/// What became of the first event of the batch with some key.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Stored(EventId),
    WasThere { id: EventId, body_sha256: Digest256 },
}

/// Inserts a batch, and tells for each event what became of it.
pub(super) async fn insert(
    connection: &mut PgConnection,
    events: &[NewEvent],
) -> Result<Vec<Insertion>, StoreError> {
    // Every replica goes through the keys in the same order, so that no two of them wait for each other.
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_unstable_by(|&a, &b| key(&events[a]).cmp(&key(&events[b])).then(a.cmp(&b)));
    let groups: Vec<&[usize]> = order
        .chunk_by(|&a, &b| key(&events[a]) == key(&events[b]))
        .collect();
    let firsts: Vec<&NewEvent> = groups.iter().map(|group| &events[group[0]]).collect();

    let fates = insert_events(connection, &firsts, &places(&groups)).await?;
    insert_conflicts(connection, events, &groups, &fates).await?;
    insert_deliveries(connection, events, &groups, &fates).await?;

    let mut insertions = vec![None; events.len()];
    for (group, fate) in groups.iter().zip(&fates) {
        let (id, stored) = match *fate {
            Fate::Stored(id) => (id, true),
            Fate::WasThere { id, .. } => (id, false),
        };
        for &member in *group {
            insertions[member] = Some(Insertion::Duplicate(id));
        }
        if stored {
            insertions[group[0]] = Some(Insertion::Stored(id));
        }
    }
    Ok(insertions.into_iter().flatten().collect())
}

/// The place of each group's first event among them in order of arrival, from 1.
fn places(groups: &[&[usize]]) -> Vec<i32> {
    let mut by_arrival: Vec<usize> = (0..groups.len()).collect();
    by_arrival.sort_unstable_by_key(|&group| groups[group][0]);
    let mut places = vec![0; groups.len()];
    for (place, group) in (1..).zip(by_arrival) {
        places[group] = place;
    }
    places
}

/// Inserts the events that are new and looks up the others. `firsts` is sorted by key, without repetition.
async fn insert_events(
    connection: &mut PgConnection,
    firsts: &[&NewEvent],
    places: &[i32],
) -> Result<Vec<Fate>, StoreError> {
    let mut fates: Vec<Option<Fate>> = vec![None; firsts.len()];
    let inserted = sqlx::query(INSERT_EVENTS)
        .bind(column(firsts, |event| &*event.source))
        .bind(column(firsts, |event| event.provider))
        .bind(column(firsts, |event| event.delivery_id.as_str()))
        .bind(column(firsts, |event| event.event_type.as_deref()))
        .bind(column(firsts, |event| event.occurred_at))
        .bind(column(firsts, |event| event.received_at))
        .bind(column(firsts, |event| event.origin.as_str()))
        .bind(column(firsts, |event| event.envelope_version))
        .bind(column(firsts, |event| event.signature.as_deref()))
        .bind(column(firsts, |event| &*event.body))
        .bind(column(firsts, |event| event.problem.as_deref()))
        .bind(places)
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
    for row in &inserted {
        let (position, id) = locate(row, firsts)?;
        fates[position] = Some(Fate::Stored(id));
    }
    if inserted.len() < firsts.len() {
        find_events(connection, firsts, &mut fates).await?;
    }
    let all: Option<Vec<Fate>> = fates.into_iter().collect();
    all.ok_or(StoreError::Vanished)
}

/// Looks up the events that have no fate yet: they were there before.
async fn find_events(
    connection: &mut PgConnection,
    firsts: &[&NewEvent],
    fates: &mut [Option<Fate>],
) -> Result<(), StoreError> {
    let without_fate = firsts
        .iter()
        .zip(&*fates)
        .filter(|(_, fate)| fate.is_none());
    let wanted: Vec<&NewEvent> = without_fate.map(|(event, _)| *event).collect();
    let found = sqlx::query(FIND_EVENTS)
        .bind(column(&wanted, |event| &*event.source))
        .bind(column(&wanted, |event| event.delivery_id.as_str()))
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
    for row in &found {
        let (position, id) = locate(row, firsts)?;
        let body_sha256 = row.try_get("body_sha256").map_err(store_error)?;
        fates[position] = Some(Fate::WasThere { id, body_sha256 });
    }
    Ok(())
}

/// In the order of arrival, so that their ids have it: a sink that wants order goes by them.
async fn insert_deliveries(
    connection: &mut PgConnection,
    events: &[NewEvent],
    groups: &[&[usize]],
    fates: &[Fate],
) -> Result<(), StoreError> {
    let mut stored: Vec<(usize, EventId)> = Vec::with_capacity(groups.len());
    for (group, fate) in groups.iter().zip(fates) {
        if let Fate::Stored(id) = *fate {
            stored.push((group[0], id));
        }
    }
    stored.sort_unstable();
    let deliveries: Vec<(EventId, &NewDelivery)> = stored
        .into_iter()
        .flat_map(|(index, id)| {
            let deliveries = events[index].deliveries.iter();
            deliveries.map(move |delivery| (id, delivery))
        })
        .collect();
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_DELIVERIES)
        .bind(column(&deliveries, |(id, _)| id.0))
        .bind(column(&deliveries, |(_, delivery)| &*delivery.sink))
        .bind(column(&deliveries, |(_, delivery)| {
            delivery.order_key.as_deref()
        }))
        .bind(column(&deliveries, |(_, delivery)| holder(delivery)))
        .bind(column(&deliveries, |(_, delivery)| term_ms(delivery)))
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

fn holder(delivery: &NewDelivery) -> Option<&str> {
    delivery.lease.as_ref().map(|lease| &*lease.holder)
}

fn term_ms(delivery: &NewDelivery) -> i64 {
    let lease = delivery.lease.as_ref();
    lease.map_or(0, |lease| millis(lease.term))
}

/// Which of the sorted `firsts` a returned row is, and its id.
fn locate(row: &PgRow, firsts: &[&NewEvent]) -> Result<(usize, EventId), StoreError> {
    let id = EventId(row.try_get("id").map_err(store_error)?);
    let source: &str = row.try_get("source").map_err(store_error)?;
    let delivery_id: &str = row.try_get("delivery_id").map_err(store_error)?;
    firsts
        .binary_search_by(|event| key(event).cmp(&(source, delivery_id)))
        .map(|position| (position, id))
        .map_err(|_| StoreError::Vanished)
}

fn key(event: &NewEvent) -> (&str, &str) {
    (&event.source, &event.delivery_id)
}
