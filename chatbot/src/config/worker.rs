//! Background workers.
//!
//! | variable | form | default |
//! |---|---|---|
//! | QUEUE_HIGH, QUEUE_MEDIUM, QUEUE_LOW | jobs at once per queue, 0 (closed) to 1000 | 4, 2, 1 |
//! | DEAD_LETTER_DAYS | days that jobs which were given up are kept and shown, 1 to 365 | 30 |
//! | DRAIN_TIMEOUT | seconds that a stopping worker may finish its jobs in, 1 to 86400 | 600 |

use std::{path::PathBuf, time::Duration};

use super::reader::{Reader, parse};
use crate::documents::Limits;

/// Concurrency and draining of a worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Jobs at once in the queue `high`.
    pub high: usize,
    /// Jobs at once in the queue `medium`.
    pub medium: usize,
    /// Jobs at once in the queue `low`.
    pub low: usize,
    /// How long a stopping process may finish its work.
    pub drain_timeout: Duration,
    /// How long jobs are kept that were given up.
    pub keep_dead_letters: Duration,
    /// A document's ingestion may take so long before the attempt counts as failed.
    pub ingest_timeout: Duration,
    /// What reading one document may use.
    pub parse_limits: Limits,
    /// The program that reads documents: this one.
    pub parse_program: PathBuf,
}

impl Worker {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut queue =
            |variable, default| reader.or(variable, "a whole number from 0 to 1000", default, parse::number(0..=1000));
        Self {
            high: queue("QUEUE_HIGH", 4),
            medium: queue("QUEUE_MEDIUM", 2),
            low: queue("QUEUE_LOW", 1),
            drain_timeout: reader.or(
                "DRAIN_TIMEOUT",
                "seconds from 1 to 86400",
                Duration::from_mins(10),
                parse::seconds(1.0..=86400.0),
            ),
            keep_dead_letters: Duration::from_hours(
                24 * reader.or("DEAD_LETTER_DAYS", "days from 1 to 365", 30, parse::number(1..=365)),
            ),
            ingest_timeout: Duration::from_mins(10),
            parse_limits: Limits::default(),
            parse_program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe")),
        }
    }
}
