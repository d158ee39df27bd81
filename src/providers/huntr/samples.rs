//! One valid Action of each of the 43 documented types, and a test delivery, about invented people.

use crate::providers::{Sample, sample::sample};

pub(super) const SAMPLES: &[Sample] = &[
    sample!("ACTIVITY_CREATED", documented: true),
    sample!("ACTIVITY_DELETED", documented: true),
    sample!("ACTIVITY_UPDATED", documented: true),
    sample!("BULK_JOB_POST_UPDATED", documented: true),
    sample!("CANDIDATE_PROFILE_VIEWED", documented: true),
    sample!("CANDIDATE_SEARCH_RAN", documented: true),
    sample!("CONTACT_CREATED", documented: true),
    sample!("CONTACT_DELETED", documented: true),
    sample!("CONTACT_UPDATED", documented: true),
    sample!("DOCUMENT_CREATED", documented: true),
    sample!("DOCUMENT_DELETED", documented: true),
    sample!("DOCUMENT_UPDATED", documented: true),
    sample!("GOAL_CREATED", documented: true),
    sample!("GOAL_ENROLLMENT_CONCLUDED", documented: true),
    sample!("GOAL_ENROLLMENT_CREATED", documented: true),
    sample!("GOAL_PROGRESS_COMPLETED", documented: true),
    sample!("GOAL_PROGRESS_INCOMPLETE", documented: true),
    sample!("GOAL_PROGRESS_IN_PROGRESS", documented: true),
    sample!("GOAL_PROGRESS_UNENROLLED", documented: true),
    sample!("GOAL_PROGRESS_UPDATED", documented: true),
    sample!("GOAL_UPDATED", documented: true),
    sample!("JOB_CREATED", documented: true),
    sample!("JOB_DELETED", documented: true),
    sample!("JOB_MOVED", documented: true),
    sample!("JOB_POST_CREATED", documented: true),
    sample!("JOB_POST_DELETED", documented: true),
    sample!("JOB_POST_UPDATED", documented: true),
    sample!("JOB_UPDATED", documented: true),
    sample!("MEMBER_CREATED", documented: true),
    sample!("MEMBER_DEACTIVATED", documented: true),
    sample!("MEMBER_DELETED", documented: true),
    sample!("MEMBER_UPDATED", documented: true),
    sample!("NOTE_CREATED", documented: true),
    sample!("NOTE_DELETED", documented: true),
    sample!("NOTE_UPDATED", documented: true),
    sample!("ORGANIZATION_COMPANY_CREATED", documented: true),
    sample!("ORGANIZATION_COMPANY_UPDATED", documented: true),
    sample!("ORGANIZATION_EMPLOYER_PARTNERSHIP_CREATED", documented: true),
    sample!("ORGANIZATION_EMPLOYER_REQUEST_APPROVED", documented: true),
    sample!("ORGANIZATION_EMPLOYER_REQUEST_CREATED", documented: true),
    sample!("ORGANIZATION_EMPLOYER_REQUEST_DECLINED", documented: true),
    sample!("ORGANIZATION_EMPLOYER_REQUEST_VERIFIED", documented: true),
    sample!("ORGANIZATION_TALENT_PORTAL_ACCESSED", documented: true),
    sample!("TEST", documented: false),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::huntr::action;

    #[test]
    fn every_sample_is_understood() {
        assert_eq!(
            SAMPLES.iter().filter(|sample| sample.documented).count(),
            43
        );
        for sample in SAMPLES {
            let envelope = action::read(sample.body.as_bytes());
            assert_eq!(envelope.problem, None, "{}", sample.name);
            assert_eq!(envelope.event_type.as_deref(), Some(sample.name));
            assert!(envelope.occurred_at.is_some(), "{}", sample.name);
        }
    }
}
