//! What a consumer is told of an asynchronous operation (core 3.11).

/// The bounds that deployed engines accept for `pollingMillis`.
const POLLING_MILLIS: std::ops::RangeInclusive<u32> = 100..=10_000;

/// The state of an asynchronous operation as its consumer sees it (core 3.11).
#[derive(Debug, Clone, PartialEq)]
pub struct Tracking {
    /// What the operation is at, in a word.
    pub phase: String,
    /// The same in a sentence.
    pub phase_detail: String,
    /// Percent done, 0 to 100.
    pub progress: f32,
    /// Since the request was accepted.
    pub elapsed_seconds: u32,
    /// An estimate.
    pub remaining_seconds: u32,
    /// When to ask again, in milliseconds.
    pub polling_millis: u32,
}

impl Tracking {
    /// The tracking of an operation that has run for `elapsed_seconds` and done `done` of `total` steps.
    /// The rest is expected to take as long a step as what is done took.
    #[must_use]
    pub fn of_progress(
        phase: &str,
        phase_detail: &str,
        done: u64,
        total: u64,
        elapsed_seconds: u32,
        polling_millis: u32,
    ) -> Self {
        let share = if total == 0 { 0.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) };
        let remaining = if share > 0.0 { f64::from(elapsed_seconds) * (1.0 - share) / share } else { 1.0 };
        Self {
            phase: phase.to_owned(),
            phase_detail: phase_detail.to_owned(),
            progress: (share * 100.0) as f32,
            elapsed_seconds,
            remaining_seconds: remaining.ceil() as u32,
            polling_millis: polling_millis.clamp(*POLLING_MILLIS.start(), *POLLING_MILLIS.end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_done_in_ten_seconds_leaves_thirty() {
        let tracking = Tracking::of_progress("Applying", "1 of 4", 1, 4, 10, 500);
        assert_eq!((tracking.progress, tracking.remaining_seconds), (25.0, 30));
    }

    #[test]
    fn polling_stays_within_what_engines_accept() {
        let polling = |millis| Tracking::of_progress("", "", 0, 0, 0, millis).polling_millis;
        assert_eq!([polling(1), polling(500), polling(60_000)], [100, 500, 10_000]);
    }
}
