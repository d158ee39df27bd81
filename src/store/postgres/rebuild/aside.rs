//! The tables aside: made like the typed tables' partitions, filled, and given their indexes.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{
    domain::{Rows, Table},
    store::{
        postgres::tables::join,
        typed_rows::{key_columns, list},
    },
};

/// What a table aside has of the partition it will replace, as statements: owner, comment, grants.
const LIKENESS: &str = "
select format('alter table %I owner to %I', $2, pg_get_userbyid(relowner))
from pg_class where oid = $1::regclass
union all
select format('comment on table %I is %L', $2, obj_description($1::regclass, 'pg_class'))
union all
select format('grant %s on %I to %s', privilege_type, $2,
              case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
from pg_class, aclexplode(relacl)
where oid = $1::regclass and grantee <> relowner";

/// The statements that make the partition's other indexes on the table aside, and those that give each index the
/// name of the one it replaces.
const INDEXES: &str = "
select case when not indisprimary then
           format('create %s index if not exists %I on %I %s', case when indisunique then 'unique' else '' end,
                  new_name, $2, substring(pg_get_indexdef(indexrelid) from ' USING .*'))
       end,
       format('alter index %I rename to %I', new_name, old_name)
from (
    select pg_index.*, relname as old_name,
           case when indisprimary then $2 || '_pkey' else left(relname, 55) || '_rebuild' end as new_name
    from pg_index
    join pg_class on pg_class.oid = indexrelid
    where indrelid = $1::regclass
) as indexes";

/// The statements that treat a partition as the old one was treated; the server cleans it up again.
const TREATMENT: &str = "
select format('alter table %I reset (autovacuum_enabled)', $1)
union all
select format('alter table %I set (%s)', $1, array_to_string(reloptions, ', '))
from pg_class where oid = $1::regclass and reloptions is not null";

/// The name of a table aside.
pub(super) fn aside(table: &Table) -> String {
    format!("{}_rebuild", table.name)
}

/// The name of the partition that holds a typed table's rows.
pub(super) fn partition(table: &Table) -> String {
    format!("{}_rows", table.name)
}

/// Whether all tables aside are there.
pub(super) async fn are_there(
    connection: &mut PgConnection,
    tables: &[&Table],
) -> sqlx::Result<bool> {
    let names: Vec<_> = tables.iter().map(|table| aside(table)).collect();
    let missing =
        "select exists (select from unnest($1::text[]) as name where to_regclass(name) is null)";
    let is_missing: bool = sqlx::query_scalar(missing)
        .bind(names)
        .fetch_one(connection)
        .await?;
    Ok(!is_missing)
}

/// Makes the tables aside, empty, with their keys. The server need not clean up what is about to change.
pub(super) async fn create(connection: &mut PgConnection, tables: &[&Table]) -> sqlx::Result<()> {
    for table in tables {
        let (name, new) = (table.name, aside(table));
        let key = list(key_columns(table));
        let sql = format!(
            "create table {new} (like {name} including all excluding indexes) with (autovacuum_enabled = false); \
             alter table {new} add constraint {new}_pkey primary key ({key})"
        );
        connection.execute(AssertSqlSafe(sql)).await?;
        let likeness: Vec<String> = sqlx::query_scalar(LIKENESS)
            .bind(partition(table))
            .bind(new)
            .fetch_all(&mut *connection)
            .await?;
        for statement in likeness {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
    }
    Ok(())
}

/// Joins rows into the tables aside.
pub(super) async fn join_all(connection: &mut PgConnection, rows: &Rows) -> sqlx::Result<()> {
    for (table, rows) in rows.tables() {
        join(connection, table, &aside(table), rows).await?;
    }
    Ok(())
}

/// Cleans up, makes the other indexes and the statistics, and gives the statements that make each table be called
/// and treated as the partition it replaces.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    tables: &[&Table],
) -> sqlx::Result<Vec<String>> {
    let mut likeness = Vec::new();
    for table in tables {
        let vacuum = format!("vacuum analyze {}", aside(table));
        connection.execute(AssertSqlSafe(vacuum)).await?;
        let indexes: Vec<(Option<String>, String)> = sqlx::query_as(INDEXES)
            .bind(partition(table))
            .bind(aside(table))
            .fetch_all(&mut *connection)
            .await?;
        for (create, rename) in indexes {
            if let Some(create) = create {
                connection.execute(AssertSqlSafe(create)).await?;
            }
            likeness.push(rename);
        }
        let treatment: Vec<String> = sqlx::query_scalar(TREATMENT)
            .bind(partition(table))
            .fetch_all(&mut *connection)
            .await?;
        likeness.extend(treatment);
    }
    Ok(likeness)
}
