//! A spool's file, damaged: it is read, or refused with words, each time alike; a spool that was put aside for its damage
//! leaves one that works. The input is what is damaged: for each byte its place in the file (two bytes, counted from the
//! end of the file and round again) and what it is now.

use std::{path::Path, sync::OnceLock};

use huntr_receiver::spool::{Config, Spool};
use tokio::runtime::Runtime;

/// Checks a spool that is damaged so.
pub(crate) fn check(input: &[u8]) {
    let runtime = runtime();
    let mut file = sound_file().to_vec();
    for damage in input.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([damage[0], damage[1]])) % file.len();
        let place = file.len() - 1 - place;
        file[place] = damage[2];
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("spool.db"), file).expect("a file");
    runtime.block_on(async {
        let first = read(folder.path()).await;
        assert_eq!(read(folder.path()).await, first);
        match first {
            Ok(spooled) if input.len() < 3 => assert_eq!(spooled.len(), 3),
            Ok(_) => {}
            Err(why) => assert!(why.contains("spool.dir") && !why.contains("JOB_"), "{why}"),
        }
        takes_or_refuses(folder.path()).await;
    });
}

/// What is in the file: the ids and bodies, or why one cannot be read.
type Content = Vec<Result<(String, Vec<u8>), String>>;

async fn read(folder: &Path) -> Result<Content, String> {
    let spool = Spool::open_existing(folder)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let read = spool.read(100, u64::MAX).await;
    spool.close().await;
    let spooled = read.map_err(|error| format!("{error:?}"))?;
    let content = spooled.into_iter().map(|delivery| {
        let event = delivery.event?;
        Ok((event.delivery_id, event.body.to_vec()))
    });
    Ok(content.collect())
}

/// A receiver starts on it, and says the truth about what it takes.
async fn takes_or_refuses(folder: &Path) {
    let spool = Spool::new(&config(folder));
    let Ok(before) = spool.read(100, u64::MAX).await else {
        return;
    };
    if spool.push(&[event("new")]).await.is_ok()
        && let Ok(after) = spool.read(100, u64::MAX).await
    {
        assert_eq!(after.len(), before.len() + 1);
    }
    spool.close().await;
}

fn config(folder: &Path) -> Config {
    Config {
        dir: folder.to_owned(),
        max_size: bytesize::ByteSize::mib(8),
    }
}

fn event(id: &str) -> huntr_receiver::domain::NewEvent {
    let body = format!(r#"{{"id":"{id}","actionType":"JOB_MOVED"}}"#);
    super::new_event("huntr", body.as_bytes())
}

/// A spool with three deliveries, closed.
fn sound_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::new(&config(folder.path()));
        runtime().block_on(async {
            let events = ["a", "b", "c"].map(event);
            spool.push(&events).await.expect("a spool");
            spool.close().await;
        });
        std::fs::read(folder.path().join("spool.db")).expect("its file")
    })
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}
