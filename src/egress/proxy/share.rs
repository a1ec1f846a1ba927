//! A sum of bytes that several connections share, so that few can have much and many little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What is left of the sum.
pub(crate) struct Shares(AtomicUsize);

/// A part of it; given back when dropped.
pub(crate) struct Share {
    of: Arc<Shares>,
    bytes: usize,
}

impl Shares {
    pub(crate) fn new(sum: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(sum)))
    }

    /// A quarter of what is left, which may be nothing.
    pub(crate) fn take(self: &Arc<Self>) -> Share {
        let mut bytes = 0;
        let _ = self.0.fetch_update(Relaxed, Relaxed, |left| {
            bytes = left / 4;
            Some(left - bytes)
        });
        Share { of: self.clone(), bytes }
    }
}

impl Share {
    /// The part, and never less than `least`.
    pub(crate) fn at_least(&self, least: u32) -> u32 {
        u32::try_from(self.bytes).unwrap_or(u32::MAX >> 1).max(least)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_add(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_gets_most_and_all_together_no_more_than_the_sum() {
        let shares = Shares::new(1 << 20);
        let taken: Vec<_> = (0..100).map(|_| shares.take()).collect();
        assert_eq!(taken[0].at_least(0), 1 << 18);
        assert!(taken.iter().map(|s| s.bytes).sum::<usize>() <= 1 << 20);
        assert_eq!(taken[99].at_least(100), 100);
        drop(taken);
        assert_eq!(shares.0.load(Relaxed), 1 << 20);
    }
}
