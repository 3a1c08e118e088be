//! The retry budget: a bucket that every request fills a little and every retry empties by much more.
//!
//! While the upstream works, retries are rare and the bucket is full. In an outage every request wants to retry: the
//! bucket runs dry, and from then on at most one retry comes on ten requests, whatever the load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What one request puts in.
const DEPOSIT: u32 = 1;
/// What one retry takes out.
const PRICE: u32 = 10;
/// What the bucket holds: enough for ten retries in a row.
const CAPACITY: u32 = 100;

/// A bucket, full at first. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicU32>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(CAPACITY)))
    }
}

impl Budget {
    /// A request was made.
    pub(crate) fn deposit(&self) {
        // Two at once may fill one drop too many, which costs nothing.
        if self.0.load(Ordering::Relaxed) < CAPACITY {
            self.0.fetch_add(DEPOSIT, Ordering::Relaxed);
        }
    }

    /// Whether a retry may be made; takes its price if so.
    pub(crate) fn withdraw(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |level| level.checked_sub(PRICE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    fn retries(budget: &Budget, requests: usize) -> usize {
        let granted = |_| {
            budget.deposit();
            usize::from(budget.withdraw())
        };
        (0..requests).map(granted).sum()
    }

    #[test]
    fn an_outage_is_met_with_one_retry_on_ten_requests() {
        let budget = Budget::default();
        let in_reserve = retries(&budget, 20);
        assert!(in_reserve >= 10, "{in_reserve}");
        assert_eq!(retries(&budget, 1000), 100);
    }

    #[test]
    fn the_bucket_does_not_save_up_for_a_storm() {
        let budget = Budget::default();
        (0..10_000).for_each(|_| budget.deposit());
        assert!(retries(&budget, 20) <= 12);
    }
}
