//! One valid envelope of each version, about invented people.

use crate::providers::{Sample, sample::sample};

pub(super) const SAMPLES: &[Sample] = &[
    sample!("v1", documented: true),
    sample!("v2", documented: true),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::hunty::envelope;

    #[test]
    fn every_sample_is_understood() {
        for (sample, version) in SAMPLES.iter().zip([1, 2]) {
            let envelope = envelope::read(sample.body.as_bytes());
            assert_eq!(envelope.problem, None, "{}", sample.name);
            assert_eq!(envelope.version, Some(version));
            assert!(envelope.event_type.is_some() && envelope.occurred_at.is_some());
        }
    }
}
