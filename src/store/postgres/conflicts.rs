//! Keeps the bodies that came under an id whose event has another one.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::{column::column, error::store_error, insert::Fate};
use crate::{
    domain::{EventId, NewEvent},
    store::StoreError,
};

const INSERT_CONFLICTS: &str = "
insert into event_conflicts (event_id, body_sha256, received_at, body)
select * from unnest($1::bigint[], $2::bytea[], $3::timestamptz[], $4::bytea[])
on conflict do nothing";

/// A SHA-256 digest.
pub(super) type Digest256 = [u8; 32];

/// Keeps the bodies that differ from the one that was first under their key.
pub(super) async fn insert_conflicts(
    connection: &mut PgConnection,
    events: &[NewEvent],
    groups: &[&[usize]],
    fates: &[Fate],
) -> Result<(), StoreError> {
    let mut conflicts: Vec<(EventId, Digest256, &NewEvent)> = Vec::new();
    for (group, fate) in groups.iter().zip(fates) {
        let members = group.iter().map(|&member| &events[member]);
        match *fate {
            Fate::Stored(id) => {
                let first = &events[group[0]].body;
                let others = members.skip(1).filter(|event| event.body != first);
                conflicts.extend(others.map(|event| (id, digest(event), event)));
            }
            Fate::WasThere { id, body_sha256 } => {
                let hashed = members.map(|event| (id, digest(event), event));
                conflicts.extend(hashed.filter(|(_, digest, _)| *digest != body_sha256));
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    // The same order on every replica; the sort is stable, so the earliest of equal bodies is kept.
    conflicts.sort_by_key(|&(id, digest, _)| (id, digest));
    sqlx::query(INSERT_CONFLICTS)
        .bind(column(&conflicts, |(id, _, _)| id.0))
        .bind(column(&conflicts, |(_, digest, _)| &digest[..]))
        .bind(column(&conflicts, |(_, _, event)| event.received_at))
        .bind(column(&conflicts, |(_, _, event)| &*event.body))
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

fn digest(event: &NewEvent) -> Digest256 {
    Sha256::digest(&event.body).into()
}
