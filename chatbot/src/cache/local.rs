//! What a process counts for itself while Redis is down: in memory, and of bounded size.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::limits::Limit;

/// Keys that are counted at once: a megabyte or two.
const MOST: usize = 10_000;

/// Counts of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Local(Arc<Mutex<HashMap<String, Window>>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    ends: Instant,
    count: u32,
}

impl Local {
    /// Counts once against every limit; when to come back if one of them is passed.
    pub(super) fn take(&self, limits: &[Limit], now: Instant) -> Result<(), Duration> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = limits.iter().filter_map(|limit| {
            let window = count(&mut windows, limit, now);
            (window.count > limit.most).then(|| window.ends.saturating_duration_since(now))
        });
        passed.max().map_or(Ok(()), Err)
    }

    /// Uncounts once.
    pub(super) fn give_back(&self, limits: &[Limit]) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for limit in limits {
            if let Some(window) = windows.get_mut(&limit.key) {
                window.count = window.count.saturating_sub(1);
            }
        }
    }
}

fn count(windows: &mut HashMap<String, Window>, limit: &Limit, now: Instant) -> Window {
    if !windows.contains_key(&limit.key) {
        make_room(windows, now);
    }
    let new = Window { ends: now + limit.window, count: 0 };
    let window = windows.entry(limit.key.clone()).or_insert(new);
    if window.ends <= now {
        *window = new;
    }
    window.count = window.count.saturating_add(1);
    *window
}

/// The windows that ended go first; where there are none, the one that ends first.
fn make_room(windows: &mut HashMap<String, Window>, now: Instant) {
    if windows.len() < MOST {
        return;
    }
    windows.retain(|_, window| window.ends > now);
    let first = windows.iter().min_by_key(|(_, window)| window.ends).map(|(key, _)| key.clone());
    if let Some(key) = first.filter(|_| windows.len() >= MOST) {
        windows.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn limit(key: &str, most: u32) -> Limit {
        Limit { key: key.to_owned(), most, window: MINUTE }
    }

    #[test]
    fn who_passes_a_limit_waits_for_the_end_of_the_window() {
        let (local, start) = (Local::default(), Instant::now());
        let limits = [limit("sara", 2), limit("address", 3)];
        let half = start + MINUTE / 2;
        assert_eq!([local.take(&limits, start), local.take(&limits, start)], [Ok(()), Ok(())]);
        assert_eq!(local.take(&limits, half), Err(MINUTE / 2));
        assert_eq!(local.take(&[limit("omid", 2), limit("address", 3)], half), Err(MINUTE / 2), "the address is over");
        assert_eq!(local.take(&limits, start + MINUTE), Ok(()));
    }

    #[test]
    fn what_is_given_back_is_not_counted() {
        let (local, now) = (Local::default(), Instant::now());
        for _ in 0..5 {
            assert_eq!(local.take(&[limit("sara", 1)], now), Ok(()));
            local.give_back(&[limit("sara", 1), limit("nobody", 1)]);
        }
    }

    #[test]
    fn a_crowd_of_keys_does_not_use_up_the_memory() {
        let (local, now) = (Local::default(), Instant::now());
        for number in 0..MOST + 50 {
            assert_eq!(local.take(&[limit(&number.to_string(), 1)], now), Ok(()));
        }
        assert_eq!(local.0.lock().unwrap().len(), MOST);
        assert_eq!(local.take(&[limit("later", 1)], now + MINUTE), Ok(()));
        assert_eq!(local.0.lock().unwrap().len(), 1, "what ended went");
    }
}
