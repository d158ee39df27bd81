//! A small disk, which can be full.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::sync::Mutex;

/// It goes when this process ends, however it ends: the standard input of its keeper closes then.
pub(crate) struct Disk {
    folder: PathBuf,
    keeper: Child,
    turn: Mutex<()>,
}

/// What becomes free is taken again so soon.
const AGAIN: Duration = Duration::from_millis(100);

impl Disk {
    /// A disk of so many megabytes; none without the right to mount one.
    pub(crate) fn of(megabytes: u64) -> Option<Self> {
        let mut keeper = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk"))
            .arg(format!("{megabytes}m"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("running tests/disk");
        let mut folder = String::new();
        BufReader::new(keeper.stdout.take().expect("a piped output"))
            .read_line(&mut folder)
            .expect("its folder");
        let folder = folder.trim_end();
        if folder.is_empty() {
            keeper.wait().expect("waiting for tests/disk");
            return None;
        }
        Some(Self {
            folder: folder.into(),
            keeper,
            turn: Mutex::default(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves no room for so long.
    pub(super) async fn is_full_for(&self, time: Duration) {
        let _turn = self.turn.lock().await;
        let ballast = self.folder.join("ballast");
        let mut file = File::create(&ballast).expect("the ballast");
        let filling = async {
            loop {
                for block in [1024 * 1024, 4096, 1] {
                    let block = vec![0; block];
                    // An error that is not about room will show itself.
                    while file.write_all(&block).is_ok() {}
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::time::timeout(time, filling).await.ok();
        std::fs::remove_file(&ballast).expect("removing the ballast");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}
