//! Applies the migrations a database does not have yet, after comparing those it has with ours.

use async_trait::async_trait;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};

use super::StoreError;

/// The schema, brought to the one this version knows.
#[async_trait]
pub trait Schema {
    /// Applies the migrations that are not applied yet, and tells how many there were.
    ///
    /// # Errors
    ///
    /// When one fails, or the database was migrated by a newer version.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// How many migrations are not applied yet.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or was migrated by a newer version.
    async fn pending_migrations(&self) -> Result<usize, StoreError>;
}

/// Where `sqlx` notes what it has applied.
const TABLE: &str = "_sqlx_migrations";

/// Applies what is pending, one process at a time, and tells how many there were.
///
/// After a failure the connection may still hold the lock: it is to be closed.
pub(crate) async fn apply_pending(
    connection: &mut (impl Migrate + Send),
    known: &Migrator,
) -> Result<usize, MigrateError> {
    connection.lock().await?;
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    let pending = pending(known, &applied)?;
    for migration in &pending {
        connection.apply(TABLE, migration).await?;
    }
    connection.unlock().await?;
    Ok(pending.len())
}

/// The migrations that are not among the `applied` (version and checksum), oldest first.
///
/// Fails when the database has one that is not known, which is how a newer version leaves it, or one
/// that was another text when it was applied.
pub(super) fn pending<'a>(
    known: &'a Migrator,
    applied: &[AppliedMigration],
) -> Result<Vec<&'a Migration>, MigrateError> {
    for AppliedMigration {
        version, checksum, ..
    } in applied
    {
        match known.iter().find(|migration| migration.version == *version) {
            None => return Err(MigrateError::VersionMissing(*version)),
            Some(migration) if migration.checksum != *checksum => {
                return Err(MigrateError::VersionMismatch(*version));
            }
            Some(_) => {}
        }
    }
    let is_applied = |migration: &Migration| {
        applied
            .iter()
            .any(|applied| applied.version == migration.version)
    };
    Ok(known
        .iter()
        .filter(|migration| !is_applied(migration))
        .collect())
}

/// A row of [`TABLE`], as [`pending`] wants it.
pub(super) fn applied((version, checksum): (i64, Vec<u8>)) -> AppliedMigration {
    AppliedMigration {
        version,
        checksum: checksum.into(),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{SqlSafeStr, migrate::MigrationType};

    use super::*;

    fn migrator(versions: &[i64]) -> Migrator {
        let simple = |&version: &i64| {
            let sql = "select 1".into_sql_str();
            Migration::new(version, "".into(), MigrationType::Simple, sql, false)
        };
        Migrator::with_migrations(versions.iter().map(simple).collect())
    }

    fn all_of(migrator: &Migrator) -> Vec<AppliedMigration> {
        let row = |migration: &Migration| (migration.version, migration.checksum.to_vec());
        migrator.iter().map(row).map(applied).collect()
    }

    #[test]
    fn what_is_not_applied_is_pending() {
        let known = migrator(&[1, 2, 3]);
        for (there, expected) in [
            (&[][..], &[1, 2, 3][..]),
            (&[1, 2], &[3]),
            (&[1, 2, 3], &[]),
        ] {
            let pending = pending(&known, &all_of(&migrator(there))).expect("nothing unknown");
            let versions: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
            assert_eq!(versions, expected);
        }
    }

    #[test]
    fn a_newer_database_is_refused() {
        let newer = all_of(&migrator(&[1, 2]));
        assert!(matches!(
            pending(&migrator(&[1]), &newer),
            Err(MigrateError::VersionMissing(2))
        ));
    }

    #[test]
    fn an_edited_migration_is_refused() {
        let edited = applied((1, b"another digest".to_vec()));
        assert!(matches!(
            pending(&migrator(&[1]), &[edited]),
            Err(MigrateError::VersionMismatch(1))
        ));
    }
}
