//! The spool's file: opened or made, written, read, and put aside when it is damaged.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytesize::ByteSize;
use sqlx::{Connection, QueryBuilder, Sqlite, migrate::Migrator};
use tokio::time::{Instant, sleep};
use tracing::error;

use super::{SpoolId, Spooled, Usage, rows};
use crate::{
    disk,
    domain::{Clock, NewEvent, SystemClock},
    store::{
        StoreError, migrations,
        sqlite::{Database, Turn, file, is_corrupt, is_full, migration_error, store_error},
    },
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/spool");

/// In the spool's folder.
pub(super) const NAME: &str = "spool.db";
/// The files that belong to an SQLite database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];
/// As SQLite has it by default.
const PAGE: u64 = 4096;
/// So much of the disk is left free, or a quarter of a small one.
const RESERVE: u64 = 16 << 20;
/// Pages of the log, after which they are moved into the file itself: few, as the disk may be small.
const CHECKPOINT_PAGES: &str = "200";
/// Whoever has the spool may be about to stop.
const STOPPING: Duration = Duration::from_millis(500);
/// In one statement; SQLite knows 32,766.
const MOST_BINDS: usize = 1000;
/// Characters of the database's own words.
const LONGEST_REASON: usize = 500;
/// Less is not worth giving back.
const WORTH_SHRINKING: u64 = 256 << 10;

const SET_ASIDE: &str = "update spooled_events set refusal = ?2 where id = ?1";

const TRY_AGAIN: &str = "update spooled_events set refusal = null where refusal is not null";

const USAGE: &str = "
select (select count(*) from spooled_events where refusal is null),
       (select count(*) from spooled_events where refusal is not null),
       (select page_count from pragma_page_count), (select freelist_count from pragma_freelist_count)";

/// An open spool.
pub(super) struct SpoolFile {
    database: Database,
    opening: u64,
}

/// As long as it lives, the spool is no other process's.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, and nothing more")] File);

impl Lock {
    async fn take(path: &Path) -> Result<Self, StoreError> {
        let given_up_at = Instant::now() + STOPPING;
        loop {
            match file::lock_for_serving(path) {
                Err(StoreError::Locked { .. }) if Instant::now() < given_up_at => {
                    sleep(STOPPING / 20).await;
                }
                lock => return lock.map(Self),
            }
        }
    }
}

impl SpoolFile {
    /// Opens the spool in a folder, and makes both where they are missing. A damaged one is put aside, as a new one
    /// can still take deliveries.
    pub(super) async fn create(dir: &Path, max_size: ByteSize) -> Result<(Self, Lock), StoreError> {
        let path = file::create(&dir.join(NAME))?;
        let lock = Lock::take(&path).await?;
        let opened = match Self::open(&path, max_size).await {
            Err(StoreError::Misconfigured(cause)) if is_corrupt(&cause) => {
                put_aside(dir, &lock);
                Self::open(&file::create(&path)?, max_size).await
            }
            opened => opened,
        };
        Ok((opened?, lock))
    }

    /// Opens the spool in a folder; makes nothing.
    pub(super) async fn open_existing(dir: &Path) -> Result<(Self, Lock), StoreError> {
        let path = file::existing(&dir.join(NAME))?;
        let lock = Lock::take(&path).await?;
        let opened = Self::open(&path, ByteSize::b(u64::MAX)).await;
        Ok((opened?, lock))
    }

    async fn open(path: &Path, max_size: ByteSize) -> Result<Self, StoreError> {
        static OPENINGS: AtomicU64 = AtomicU64::new(0);
        let max_pages = (max_size.as_u64() / PAGE).clamp(1, u64::from(u32::MAX) - 1);
        let database = Database::open_with(path, |options| {
            options
                .pragma("max_page_count", max_pages.to_string())
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        })
        .await?;
        let spool = Self {
            database,
            opening: OPENINGS.fetch_add(1, Ordering::Relaxed),
        };
        spool.migrate().await?;
        Ok(spool)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let connection = self.database.writer.connect().await;
        let mut connection = connection.map_err(store_error)?;
        let transaction = connection.begin_with("begin immediate").await;
        let mut transaction = transaction.map_err(store_error)?;
        migrations::apply_pending(&mut *transaction, &MIGRATIONS)
            .await
            .map_err(migration_error)?;
        transaction.commit().await.map_err(store_error)?;
        connection.close().await.map_err(store_error)
    }

    pub(super) async fn push(&self, events: &[NewEvent]) -> Result<(), StoreError> {
        self.database.identity.check()?;
        if !self
            .database
            .identity
            .path()
            .parent()
            .is_none_or(leaves_reserve)
        {
            return Err(StoreError::DiskFull);
        }
        let mut turn = self.database.writer.begin().await.map_err(store_error)?;
        for event in events {
            let inserted = rows::insert(&mut turn.connection, event).await;
            inserted.map_err(push_error)?;
        }
        turn.commit().await.map_err(push_error)?;
        // Into a file that was taken away meanwhile, it was as good as not written.
        self.database.identity.check()
    }

    pub(super) async fn read(
        &self,
        limit: u32,
        max_bytes: u64,
    ) -> Result<Vec<Spooled>, StoreError> {
        let connection = self.database.readers.acquire().await;
        let mut connection = connection.map_err(store_error)?;
        let rows = rows::read(&mut connection, limit, max_bytes).await;
        let rows = rows.map_err(store_error)?;
        let spooled = rows.into_iter().map(|(row, event)| Spooled {
            id: SpoolId {
                opening: self.opening,
                row,
            },
            event,
        });
        Ok(spooled.collect())
    }

    pub(super) async fn remove(&self, ids: &[SpoolId]) -> Result<(), StoreError> {
        let of_this_opening = ids.iter().filter(|id| id.opening == self.opening);
        let rows: Vec<i64> = of_this_opening.map(|id| id.row).collect();
        for rows in rows.chunks(MOST_BINDS) {
            let mut delete =
                QueryBuilder::<Sqlite>::new("delete from spooled_events where id in (");
            let mut list = delete.separated(", ");
            for row in rows {
                list.push_bind(*row);
            }
            delete.push(")");
            let mut turn = self.begin().await?;
            let deleted = delete.build().execute(&mut turn.connection).await;
            deleted.map_err(store_error)?;
            turn.commit().await.map_err(store_error)?;
        }
        Ok(())
    }

    pub(super) async fn set_aside(&self, id: SpoolId, why: &str) -> Result<(), StoreError> {
        if id.opening != self.opening {
            return Ok(());
        }
        let why: String = why.chars().take(LONGEST_REASON).collect();
        let mut turn = self.begin().await?;
        let update = sqlx::query(SET_ASIDE).bind(id.row).bind(why);
        let updated = update.execute(&mut turn.connection).await;
        updated.map_err(store_error)?;
        turn.commit().await.map_err(store_error)
    }

    pub(super) async fn try_again(&self) -> Result<(), StoreError> {
        let mut turn = self.begin().await?;
        let updated = sqlx::query(TRY_AGAIN).execute(&mut turn.connection).await;
        updated.map_err(store_error)?;
        turn.commit().await.map_err(store_error)
    }

    pub(super) async fn usage(&self) -> Result<Usage, StoreError> {
        let usage = sqlx::query_as(USAGE)
            .fetch_one(&self.database.readers)
            .await;
        let (waiting, refused, pages, free): (i64, i64, i64, i64) = usage.map_err(store_error)?;
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Usage {
            waiting: number(waiting),
            refused: number(refused),
            bytes: number(pages - free) * PAGE,
        })
    }

    pub(super) async fn shrink(&self) -> Result<(), StoreError> {
        let pages = sqlx::query_scalar("select freelist_count from pragma_freelist_count");
        let free: i64 = pages
            .fetch_one(&self.database.readers)
            .await
            .map_err(store_error)?;
        if u64::try_from(free).unwrap_or(0) * PAGE < WORTH_SHRINKING {
            return Ok(());
        }
        let connection = self.database.writer.connect().await;
        let mut connection = connection.map_err(store_error)?;
        for sql in ["vacuum", "pragma wal_checkpoint(truncate)"] {
            let done = sqlx::raw_sql(sql).execute(&mut connection).await;
            done.map_err(store_error)?;
        }
        connection.close().await.map_err(store_error)
    }

    pub(super) async fn close(&self) {
        self.database.close().await;
    }

    /// A turn that lets deliveries pass which want to get in.
    async fn begin(&self) -> Result<Turn<'_>, StoreError> {
        self.database.identity.check()?;
        let turn = self.database.writer.begin_in_background().await;
        turn.map_err(store_error)
    }
}

/// Whether the disk of the spool's folder has more than what is left for taking deliveries out: that writes, too.
pub(super) fn leaves_reserve(dir: &Path) -> bool {
    disk::space(dir).is_none_or(|(free, all)| free > RESERVE.min(all / 4))
}

fn push_error(error: sqlx::Error) -> StoreError {
    if is_full(&error) {
        return StoreError::SpoolFull;
    }
    store_error(error)
}

/// Moves the damaged file in a folder out of the way. Whoever has the lock may.
pub(super) fn put_aside(dir: &Path, _: &Lock) {
    let path = dir.join(NAME);
    let now = SystemClock.now().format("%Y%m%dT%H%M%S%3fZ");
    let named = |end: &str, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.push(suffix);
        PathBuf::from(name)
    };
    let damaged = format!(".damaged-{now}");
    for suffix in SUFFIXES {
        match std::fs::rename(named("", suffix), named(&damaged, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                error!(%error, file = %path.display(), "the spool is damaged and cannot be put aside");
                return;
            }
            _ => {}
        }
    }
    error!(
        file = %named(&damaged, "").display(),
        "the spool is damaged and was put aside; sqlite3's .recover or .dump may get back what is left of it"
    );
}
