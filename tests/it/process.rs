//! What the process is to the machine it runs on: it writes nowhere but into `data`, leaves no core, lets nobody read its
//! memory, and a panic of its tells no more than its place.

use std::{
    io::{Write, stderr},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{SECRET, Setup, action};

/// Anybody but root.
const NOBODY: u32 = 65_534;

/// Makes every mounted file system read-only but for `data`, in a view of the file systems of its own. What the kernel
/// does not let go of, such as `/proc`, is not to be written to by nobody anyway.
const READ_ONLY: &str = r#"
    mount --bind data data || exit 125
    mount -o remount,bind,ro / || exit 125
    for place in /tmp /var/tmp /run /dev /dev/shm /home; do
        mount -o remount,bind,ro "$place" 2>/dev/null
    done
    exec "$@"
"#;

fn is_root() -> bool {
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|metadata| metadata.uid() == 0)
}

/// Said aloud: what a test prints is not seen when it passes.
fn skipped(why: &str) {
    writeln!(stderr(), "skipped: {why}").expect("saying so");
}

/// What runs a program where it may write into `data` only; `None` where the kernel does not offer it.
fn confinement() -> Option<Vec<&'static str>> {
    let root = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh"];
    let other = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        READ_ONLY,
        "sh",
    ];
    let confinement = if is_root() {
        root.to_vec()
    } else {
        other.to_vec()
    };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    let tried = Command::new(confinement[0])
        .args(&confinement[1..])
        .args(["sh", "-c", "touch data/in && ! touch out"])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status();
    tried
        .is_ok_and(|status| status.success())
        .then_some(confinement)
}

/// What runs a program as somebody else than root.
fn demotion() -> Vec<&'static str> {
    if is_root() {
        vec![
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]
    } else {
        Vec::new()
    }
}

/// A folder that anybody may read, with a `data` that is nobody's.
fn setup() -> Setup {
    let setup = Setup::sqlite().with_tables();
    let data = setup.folder().join("data");
    std::fs::create_dir(&data).expect("a folder");
    if is_root() {
        std::fs::set_permissions(setup.folder(), PermissionsExt::from_mode(0o755))
            .expect("opening the folder");
        chown(&data, Some(NOBODY), Some(NOBODY)).expect("giving the folder away");
    }
    setup
}

#[tokio::test]
async fn it_writes_nowhere_but_into_data() {
    let Some(confinement) = confinement() else {
        return skipped("no file system can be made read-only here");
    };
    let setup = setup().within([confinement, demotion()].concat());
    let mut receiver = setup.start();
    for number in 0..20 {
        assert_eq!(
            receiver
                .post_signed(action(&number.to_string()))
                .await
                .status,
            200
        );
    }
    // What takes more than a few rows at once is where a database would want files elsewhere.
    let address = receiver.url("");
    let sent = setup
        .command()
        .args(["send", "--organization", "20", "--url", &address])
        .output()
        .expect("sending");
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    let delivered = r#"huntr_receiver_deliveries_total{sink="tables",outcome="delivered"}"#;
    crate::support::until(async || (receiver.metric(delivered).await >= 2000.0).then_some(()))
        .await;
    for arguments in [&["audit", "--full"][..], &["rebuild"], &["reverify"]] {
        let output = setup
            .command()
            .args(arguments)
            .output()
            .expect("running it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    receiver.terminate();
    assert!(receiver.wait().success(), "{}", receiver.log());
}

#[tokio::test]
async fn its_memory_is_its_own() {
    if !cfg!(target_os = "linux") {
        return skipped("what other processes may read is told by Linux only");
    }
    let setup = setup().within(demotion());
    let receiver = setup.start();
    let process = Path::new("/proc").join(receiver.pid().to_string());
    let status = std::fs::read_to_string(process.join("status")).expect("its status");
    let limits = std::fs::read_to_string(process.join("limits")).expect("its limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let limits: Vec<_> = core
        .expect("a limit")
        .split_whitespace()
        .skip(4)
        .take(2)
        .collect();
    assert_eq!(limits, ["0", "0"]);
    // What is nobody's is root's for as long as it may not be read.
    let user = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .expect("a user");
    assert_ne!(user.split_whitespace().nth(1), Some("0"));
    let owner = process.join("environ").metadata().expect("its environment");
    assert_eq!(
        owner.uid(),
        0,
        "another process of the same user could read its memory"
    );
}

#[tokio::test]
async fn its_arguments_tell_no_secret() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let arguments = format!("/proc/{}/cmdline", receiver.pid());
    match std::fs::read_to_string(arguments) {
        Ok(arguments) => assert!(!arguments.contains(SECRET) && arguments.contains("--config")),
        Err(error) => skipped(&format!("no process's arguments can be read: {error}")),
    }
}

/// Panics with a text when this variable is set: for the test below, which starts this program again.
const PANICS: &str = "HUNTR_RECEIVER_TESTS_PANIC";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a hook for panics is the whole process's, so the test starts another one"
)]
fn a_panic_tells_its_place_and_nothing_else() {
    if std::env::var_os(PANICS).is_some() {
        huntr_receiver::telemetry::quieten_panics();
        panic!("{SECRET}");
    }
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "process::a_panic_tells_its_place_and_nothing_else",
            "--nocapture",
        ])
        .env(PANICS, "yes")
        .env("RUST_BACKTRACE", "full")
        .output()
        .expect("running it");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success());
    assert!(
        said.contains("the program panicked at tests/it/process.rs:"),
        "{said}"
    );
    assert!(!said.contains(SECRET), "{said}");
}
