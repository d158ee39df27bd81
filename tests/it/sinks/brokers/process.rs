//! A server as a process, which ends with whoever started it, however that ends.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::net::TcpStream;

use crate::support::until;

/// Runs the rest of its arguments as a process group, and kills that when its standard input closes.
const UNTIL_ITS_INPUT_CLOSES: &str = r#"
    setsid "$@" & group=$!
    echo "$group" >"$$.group"
    cat >/dev/null
    kill -KILL "-$group"
    wait
    rm -rf "$REMOVE_AFTERWARDS"
"#;

/// A server. Killed when dropped, as in a crash.
pub(crate) struct Process {
    dir: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a program with nothing but these variables in its environment; its output goes to `dir/log`.
    pub(crate) fn start(
        dir: &Path,
        program: &str,
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.join("log"))
            .expect("a file for the output");
        let child = Command::new("sh")
            .args(["-c", UNTIL_ITS_INPUT_CLOSES, "sh", program])
            .args(args)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .envs(environment.iter().copied())
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the file again"))
            .stderr(log)
            .spawn()
            .expect("starting sh");
        Self {
            dir: dir.into(),
            child,
        }
    }
}

impl Process {
    /// Sends a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let file = self.dir.join(format!("{}.group", self.child.id()));
        let group = std::fs::read_to_string(file).expect("the number of the process group");
        let command = format!("kill -{signal} -{}", group.trim());
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.expect("running sh").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// A port nobody listens on. Another process may take it before it is used, which no test has seen yet: ports are
/// given out in turn.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until somebody listens on the port.
pub(crate) async fn listening(port: u16) {
    until(async || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()).await;
}
