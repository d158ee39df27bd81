//! The file's own tests: what a crash, another program and the clock do to it.

use std::{os::unix::fs::PermissionsExt, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::domain::SystemClock;

/// Later than the real time, by as much as a test says: the files have the times of the disk.
struct Later(Mutex<Duration>);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().expect("the clock")
    }
}

struct Place {
    folder: TempDir,
    clock: Arc<Later>,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: Arc::new(Later(Mutex::default())),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("deep/er/events.ndjson")
    }

    fn log(&self, change: impl FnOnce(&mut Options)) -> Log {
        let mut options = Options {
            path: self.path(),
            rotate_size: None,
            rotate_age: None,
            keep: None,
            sync: true,
            clock: self.clock.clone(),
        };
        change(&mut options);
        Log::new(options)
    }

    fn pass(&self, time: Duration) {
        *self.clock.0.lock().expect("the clock") += time;
    }

    fn content(&self) -> String {
        fs::read_to_string(self.path()).expect("the file")
    }

    /// The contents of the files that were put aside, oldest first.
    fn aside(&self) -> Vec<String> {
        let path = self.path();
        let folder = path
            .parent()
            .expect("a folder")
            .read_dir()
            .expect("the folder");
        let mut files: Vec<_> = folder
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.retain(|file| *file != path);
        files.sort();
        files
            .iter()
            .map(|file| fs::read_to_string(file).expect("a file"))
            .collect()
    }
}

#[test]
fn the_file_and_its_folders_are_made_for_nobody_else_to_read() {
    let place = Place::new();
    place.log(|_| {}).append(b"1\n2\n").expect("appended");
    assert_eq!(place.content(), "1\n2\n");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(&place.path()), 0o600);
    assert_eq!(mode(&place.folder.path().join("deep")), 0o700);
}

#[test]
fn a_line_that_a_crash_has_torn_stays_on_its_own() {
    let place = Place::new();
    let mut log = place.log(|_| {});
    log.append(b"1\n").expect("appended");
    fs::write(place.path(), "1\n{\"half").expect("written");
    drop(log);
    let mut log = place.log(|_| {});
    log.append(b"2\n").expect("appended");
    log.append(b"3\n").expect("appended");
    assert_eq!(place.content(), "1\n{\"half\n2\n3\n");
}

#[test]
fn a_file_that_was_moved_away_is_begun_anew() {
    let place = Place::new();
    let mut log = place.log(|_| {});
    log.append(b"1\n").expect("appended");
    let moved = place.folder.path().join("moved");
    fs::rename(place.path(), &moved).expect("renamed");
    log.append(b"2\n").expect("appended");
    assert_eq!(place.content(), "2\n");
    assert_eq!(fs::read_to_string(&moved).expect("the moved file"), "1\n");

    fs::remove_dir_all(place.path().parent().expect("a folder")).expect("removed");
    log.append(b"3\n").expect("appended");
    assert_eq!(place.content(), "3\n");
}

#[test]
fn a_file_that_was_emptied_goes_on_from_its_beginning() {
    let place = Place::new();
    let mut log = place.log(|_| {});
    log.append(b"1\n").expect("appended");
    File::create(place.path()).expect("emptied");
    log.append(b"2\n").expect("appended");
    assert_eq!(place.content(), "2\n");
}

#[test]
fn a_large_file_is_put_aside_before_it_is_too_large() {
    let place = Place::new();
    let mut log = place.log(|options| options.rotate_size = Some(4));
    for lines in ["1\n", "2\n", "3\n", "a long line\n", "4\n"] {
        log.append(lines.as_bytes()).expect("appended");
    }
    assert_eq!(place.aside(), ["1\n2\n", "3\n", "a long line\n"]);
    assert_eq!(place.content(), "4\n");
}

#[test]
fn an_old_file_is_put_aside_whoever_has_begun_it() {
    let place = Place::new();
    let day = Duration::from_hours(24);
    let log = || place.log(|options| options.rotate_age = Some(day));
    log().append(b"1\n").expect("appended");
    log().append(b"2\n").expect("appended");
    place.pass(day);
    log().append(b"3\n").expect("appended");
    assert_eq!(place.aside(), ["1\n2\n"]);
    assert_eq!(place.content(), "3\n");
}

#[test]
fn of_those_put_aside_the_newest_are_kept() {
    let place = Place::new();
    let beside = place.path().with_file_name("events.ndjson.backup");
    let mut log = place.log(|options| {
        options.rotate_size = Some(1);
        options.keep = NonZeroUsize::new(2);
    });
    log.append(b"0\n").expect("appended");
    fs::write(&beside, "not ours\n").expect("written");
    for number in 1..=5 {
        place.pass(Duration::from_secs(1));
        log.append(format!("{number}\n").as_bytes())
            .expect("appended");
    }
    assert_eq!(place.aside(), ["3\n", "4\n", "not ours\n"]);
}

#[test]
fn two_that_append_to_one_file_lose_nothing() {
    let place = Place::new();
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let mut log = place.log(|options| options.rotate_size = Some(200));
            std::thread::spawn(move || {
                for number in 0..50 {
                    log.append(format!("{writer}.{number}\n").as_bytes())
                        .expect("appended");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("the writer");
    }
    let mut all = place.aside();
    all.push(place.content());
    let all = all.concat();
    for line in (0..2).flat_map(|writer| (0..50).map(move |number| format!("{writer}.{number}"))) {
        assert_eq!(
            all.lines().filter(|found| *found == line).count(),
            1,
            "{line}"
        );
    }
}

#[test]
fn what_failed_is_taken_back_and_the_file_opened_anew() {
    let place = Place::new();
    let mut log = place.log(|_| {});
    log.append(b"1\n").expect("appended");
    // As if the disk had become read-only, and then not.
    let unwritable = File::open(place.path()).expect("the file");
    log.open.as_mut().expect("an open file").file = unwritable;
    let error = log.append(b"2\n").expect_err("a failure");
    assert!(
        error.contains("events.ndjson cannot be written to"),
        "{error}"
    );
    log.append(b"3\n").expect("appended");
    assert_eq!(place.content(), "1\n3\n");

    let open = log.open.as_ref().expect("an open file");
    fs::write(place.path(), "1\n3\n4").expect("half a line");
    open.take_back(4, 1);
    assert_eq!(place.content(), "1\n3\n");
    fs::write(place.path(), "1\n3\n4somebody else's\n").expect("half a line, and more");
    open.take_back(4, 1);
    assert_eq!(place.content(), "1\n3\n4somebody else's\n");
}

#[test]
fn what_is_no_file_is_refused_rather_than_waited_for() {
    let place = Place::new();
    for (path, word) in [
        (PathBuf::from("/dev/full"), "is not a file"),
        (place.folder.path().to_owned(), "is not a file"),
        (PathBuf::from("/dev/null/events"), "correct `path`"),
    ] {
        let error = place
            .log(|options| options.path = path)
            .append(b"1\n")
            .expect_err("refused");
        assert!(error.contains(word), "{error}");
    }
    let full = explain(
        "cannot be written to",
        &place.path(),
        &ErrorKind::StorageFull.into(),
    );
    assert!(full.ends_with("; make room on its disk"), "{full}");
}
