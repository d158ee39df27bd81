//! Hands many rows to one statement: an array for each column, to `unnest`.

use sqlx::{
    Encode, Postgres, Type,
    postgres::{PgBindIterExt, PgHasArrayType},
};

/// One field of every row, as an array. It is written into the message straight from the rows.
pub(super) fn column<'a, R, T>(
    rows: &'a [R],
    field: impl Fn(&'a R) -> T + 'a,
) -> impl Encode<'a, Postgres> + Type<Postgres>
where
    T: Encode<'a, Postgres> + Type<Postgres> + PgHasArrayType + 'a,
{
    rows.iter().map(field).bind_iter()
}
