//! The program, run once to its end in a folder and an environment of its own.

use std::{
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with nothing but the given files, and an environment with nothing but the given variables.
pub(crate) struct Program {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            environment: Vec::new(),
        }
    }

    /// With a source, which most commands ask for.
    pub(crate) fn with_source() -> Self {
        Self::new().set("HUNTR_WEBHOOK_SECRET", "the secret of the tests")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder().join(name), content).expect("writing a file");
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The names in its folder, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.folder().read_dir().expect("reading the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).display().to_string())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut process = self.start(arguments, Stdio::piped());
        let mut stdin = process.stdin.take().expect("a piped input");
        // It need not read it.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let output = process.wait_with_output().expect("waiting for the program");
        Outcome {
            code: output.status.code().expect("an exit code"),
            bytes: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("errors in UTF-8"),
        }
    }

    /// Runs it with its output going elsewhere.
    pub(crate) fn run_into(&self, arguments: &[&str], stdout: impl Into<Stdio>) -> Outcome {
        let mut process = self.start(arguments, stdout.into());
        let mut stderr = String::new();
        process
            .stderr
            .take()
            .expect("piped errors")
            .read_to_string(&mut stderr)
            .expect("errors in UTF-8");
        let status = process.wait().expect("waiting for the program");
        let code = status.code().expect("an exit code");
        Outcome {
            code,
            bytes: Vec::new(),
            stderr,
        }
    }

    fn start(&self, arguments: &[&str], stdout: Stdio) -> Child {
        Command::new(env!("CARGO_BIN_EXE_huntr-receiver"))
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder())
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting the program")
    }
}

impl Outcome {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("output in UTF-8")
    }

    /// Its output as one reads it: what fills up the columns is not seen.
    pub(crate) fn table(&self) -> String {
        self.stdout()
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Its output, which a program could read.
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// Whether a text is anywhere in what it said.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.stderr.contains(text) || String::from_utf8_lossy(&self.bytes).contains(text)
    }

    /// What it complains about, having done nothing.
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!((self.code, self.stdout()), (2, ""), "{}", self.stderr);
        &self.stderr
    }
}
