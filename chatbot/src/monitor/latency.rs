//! Quantiles out of the history's buckets, interpolated inside a bucket as Prometheus does it.

use crate::store::jobs::history::BOUNDS;

/// The time below which the part `quantile` (0 to 1) of the jobs stayed; None when there were none. What is beyond the last
/// bound counts as this bound.
#[must_use]
pub fn quantile(cumulative: &[i64], quantile: f64) -> Option<f64> {
    let all = *cumulative.last().filter(|all| **all > 0)?;
    let rank = quantile.clamp(0.0, 1.0) * as_float(all);
    let bucket = cumulative.iter().position(|jobs| as_float(*jobs) >= rank)?;
    let Some(upper) = BOUNDS.get(bucket).copied() else { return BOUNDS.last().copied() };
    let below = bucket.checked_sub(1);
    let lower = below.and_then(|below| BOUNDS.get(below)).copied().unwrap_or_default();
    let before = below.and_then(|below| cumulative.get(below)).copied().map_or(0.0, as_float);
    let inside = cumulative.get(bucket).copied().map_or(0.0, as_float) - before;
    let part = if inside > 0.0 { (rank - before) / inside } else { 1.0 };
    Some((upper - lower).mul_add(part, lower))
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^52 jobs a quantile may be off by one")]
const fn as_float(jobs: i64) -> f64 {
    jobs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cumulative counts with `jobs[n]` jobs in bucket n.
    fn cumulative(jobs: [i64; 12]) -> Vec<i64> {
        jobs.iter()
            .scan(0, |sum, jobs| {
                *sum += jobs;
                Some(*sum)
            })
            .collect()
    }

    #[test]
    fn a_quantile_lies_where_its_rank_falls() {
        let even = cumulative([0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0]);
        assert_eq!(quantile(&even, 0.5), Some(0.75));
        let late = cumulative([90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]);
        assert_eq!(quantile(&late, 0.5).map(|seconds| seconds < 0.01), Some(true));
        assert_eq!(quantile(&late, 0.95), Some(600.0), "beyond the last bound nothing finer is known");
    }

    #[test]
    fn without_jobs_there_is_no_quantile() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&cumulative([0; 12]), 0.5), None);
    }
}
