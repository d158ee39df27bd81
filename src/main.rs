//! Parses the command line and runs.

use std::process::ExitCode;

fn main() -> ExitCode {
    huntr_receiver::cli::main()
}
