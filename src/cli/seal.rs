//! Keeps what is in memory in there: bodies and secrets get into no core dump, and no other process reads them.

use std::io;

use rlimit::Resource;

/// Seals this process, for as long as it runs.
///
/// What it starts would have to seal itself; it starts nothing. Root can still look: that is what root is.
pub(super) fn seal() -> io::Result<()> {
    rlimit::setrlimit(Resource::CORE, 0, 0)?;
    // The limit stops at a core that is piped to a program, as systemd's and Apport's are. This does not, and it keeps
    // debuggers of the same user out as well.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
