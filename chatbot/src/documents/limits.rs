//! What the child that reads a document may use. It sets these limits for itself before it looks at the first byte, and
//! cannot raise them again.

use std::{io, time::Duration};

use rlimit::{Resource, setrlimit};

/// A page of memory, as /proc counts.
const PAGE: u64 = 4096;
/// Standard input, output and error; with no room for another the child opens neither files nor sockets.
const OPEN_FILES: u64 = 3;

/// Limits of one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory beyond that of the program itself.
    pub memory_mib: u64,
    /// Time on a processor.
    pub cpu_seconds: u64,
    /// Time on the clock, after which the worker kills it.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mib: 192, cpu_seconds: 60, time: Duration::from_mins(3) }
    }
}

impl Limits {
    /// Limits this process, for good: memory and time as they say; no other files, no sockets, no children, no core dump.
    ///
    /// # Errors
    /// The system's: without its limits the process must not go on.
    pub fn apply(&self) -> io::Result<()> {
        let memory = own_memory()?.saturating_add(self.memory_mib << 20);
        let limits = [
            (Resource::AS, memory),
            (Resource::FSIZE, 0),
            (Resource::CORE, 0),
            (Resource::NPROC, 0),
            (Resource::NOFILE, OPEN_FILES),
        ];
        // At the first one the kernel says why (SIGXCPU), at the second one it only kills.
        setrlimit(Resource::CPU, self.cpu_seconds, self.cpu_seconds.saturating_add(1))?;
        limits.into_iter().try_for_each(|(resource, limit)| setrlimit(resource, limit, limit))
    }
}

/// Address space of this process as it started: most of it is the program.
fn own_memory() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    pages.map(|pages| pages.saturating_mul(PAGE)).ok_or_else(|| io::Error::other("/proc/self/statm cannot be read"))
}
