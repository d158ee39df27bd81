//! What is read of every sample, and of bodies that no vendor would send.

use insta::assert_snapshot;

use super::*;
use crate::providers::Config;

/// A stored event with this body, as it came in by the one way there is.
fn stored(provider: &str, body: &str) -> EventRecord {
    let sample = Sample {
        name: "a test's",
        body: Box::leak(body.to_owned().into_boxed_str()),
        documented: false,
    };
    sample_event(provider, &sample, Timestamp::default())
}

fn samples() -> Vec<EventRecord> {
    let options: figment::value::Dict = [("verify".to_owned(), false.into())].into();
    let events = |name: &'static str| {
        let config = Config::read(name, &options.clone().into()).expect("options");
        let samples = config.build().samples();
        samples
            .iter()
            .map(move |sample| sample_event(name, sample, Timestamp::default()))
    };
    [huntr::PROVIDER, hunty::PROVIDER]
        .into_iter()
        .flat_map(events)
        .collect()
}

#[test]
fn every_sample_has_a_sentence() {
    let headline = |event: &EventRecord| reading(&event.summary.provider).headline(event);
    let lines: Vec<_> = samples().iter().map(headline).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    *Noémie Vasseur* applied for *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*
    *Noémie Vasseur* deleted an activity (Offer Received) for *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*
    *Tomás Echeverri* updated the activity *On site at the quay* (On Site Interview) for *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*, board of *Noémie Vasseur*
    *BULK_JOB_POST_UPDATED* from huntr
    *CANDIDATE_PROFILE_VIEWED* from huntr
    *CANDIDATE_SEARCH_RAN* from huntr
    *Noémie Vasseur* added the contact *Anneliese Grünwald*
    *Mateo Ibáñez* deleted a contact
    *Noémie Vasseur* updated the contact *Anneliese Grünwald*
    *Noémie Vasseur* added the document *Résumé – embedded*
    *Noémie Vasseur* deleted a document
    *Noémie Vasseur* updated the document *Résumé – embedded &amp; backend*
    *GOAL_CREATED* from huntr
    *GOAL_ENROLLMENT_CONCLUDED* from huntr
    *GOAL_ENROLLMENT_CREATED* from huntr
    *GOAL_PROGRESS_COMPLETED* from huntr
    *GOAL_PROGRESS_INCOMPLETE* from huntr
    *GOAL_PROGRESS_IN_PROGRESS* from huntr
    *GOAL_PROGRESS_UNENROLLED* from huntr
    *GOAL_PROGRESS_UPDATED* from huntr
    *GOAL_UPDATED* from huntr
    *Noémie Vasseur* added a job at *Harborlight Robotics* to *Wishlist*
    *Mateo Ibáñez* deleted a job at *Tern &amp; Thistle Press*
    *Noémie Vasseur* moved *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics* from *Wishlist* to *Applied*
    *Tomás Echeverri* added the job post *Junior Data Librarian* at *Tern &amp; Thistle Press*
    *Tomás Echeverri* deleted a job post at *Tern &amp; Thistle Press*
    *Tomás Echeverri* updated the job post *Junior Data Librarian* at *Tern &amp; Thistle Press*
    *Noémie Vasseur* updated *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*
    *Noémie Vasseur* joined
    *Siobhan O’Dell* was deactivated
    *Kwame Lindqvist* was deleted
    The profile of *Noémie Vasseur* was updated
    *Noémie Vasseur* added a note on *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*
    *Mateo Ibáñez* deleted a note on *Junior Data Librarian* at *Tern &amp; Thistle Press*
    *Noémie Vasseur* updated a note on *Embedded Software Engineer (m/f/d)* at *Harborlight Robotics*
    *Ingrid Solheim* added the employer *Harborlight Robotics*
    *Ingrid Solheim* updated the employer *Harborlight Robotics*
    *ORGANIZATION_EMPLOYER_PARTNERSHIP_CREATED* from huntr
    *ORGANIZATION_EMPLOYER_REQUEST_APPROVED* from huntr
    *ORGANIZATION_EMPLOYER_REQUEST_CREATED* from huntr
    *ORGANIZATION_EMPLOYER_REQUEST_DECLINED* from huntr
    *ORGANIZATION_EMPLOYER_REQUEST_VERIFIED* from huntr
    *ORGANIZATION_TALENT_PORTAL_ACCESSED* from huntr
    *TEST* from huntr
    *Lucía Ordóñez*, Analista de servicio al cliente: APPLIED → INTERVIEW (CandidateStatusTransitionedEvent)
    *Lucía Ordóñez*, Analista de servicio al cliente: INTERVIEW → HIRED (CandidateStatusTransitionedEvent)
    "#);
}

#[test]
fn every_sample_has_a_type_and_most_have_an_entity() {
    let line = |event: &EventRecord| {
        let reading = reading(&event.summary.provider);
        let entity = reading.entity(&event.body);
        let line = format!(
            "{} {}",
            reading.cloud_event_type(event),
            entity.unwrap_or_default()
        );
        line.trim_end().to_owned()
    };
    let lines: Vec<_> = samples().iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    co.huntr.ACTIVITY_CREATED 69b94880ce8d61eb1418d745
    co.huntr.ACTIVITY_DELETED 69b94880ce8d61eb1418d745
    co.huntr.ACTIVITY_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.BULK_JOB_POST_UPDATED
    co.huntr.CANDIDATE_PROFILE_VIEWED
    co.huntr.CANDIDATE_SEARCH_RAN
    co.huntr.CONTACT_CREATED 69b94880ce8d61eb1418d745
    co.huntr.CONTACT_DELETED 69bc28c9ac4d1aaf4a867b48
    co.huntr.CONTACT_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.DOCUMENT_CREATED 69b94880ce8d61eb1418d745
    co.huntr.DOCUMENT_DELETED 69b94880ce8d61eb1418d745
    co.huntr.DOCUMENT_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.GOAL_CREATED
    co.huntr.GOAL_ENROLLMENT_CONCLUDED 69bc28c9ac4d1aaf4a867b48
    co.huntr.GOAL_ENROLLMENT_CREATED 69b94880ce8d61eb1418d745
    co.huntr.GOAL_PROGRESS_COMPLETED 69b94880ce8d61eb1418d745
    co.huntr.GOAL_PROGRESS_INCOMPLETE 69bc28c9ac4d1aaf4a867b48
    co.huntr.GOAL_PROGRESS_IN_PROGRESS 69b94880ce8d61eb1418d745
    co.huntr.GOAL_PROGRESS_UNENROLLED 69bc28c9ac4d1aaf4a867b48
    co.huntr.GOAL_PROGRESS_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.GOAL_UPDATED
    co.huntr.JOB_CREATED 69b94880ce8d61eb1418d745
    co.huntr.JOB_DELETED 69bc28c9ac4d1aaf4a867b48
    co.huntr.JOB_MOVED 69b94880ce8d61eb1418d745
    co.huntr.JOB_POST_CREATED
    co.huntr.JOB_POST_DELETED
    co.huntr.JOB_POST_UPDATED
    co.huntr.JOB_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.MEMBER_CREATED 69b94880ce8d61eb1418d745
    co.huntr.MEMBER_DEACTIVATED 69bcf415ed8ad3a2f20138a3
    co.huntr.MEMBER_DELETED 69de253d5250a1d51a370766
    co.huntr.MEMBER_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.NOTE_CREATED 69b94880ce8d61eb1418d745
    co.huntr.NOTE_DELETED 69bc28c9ac4d1aaf4a867b48
    co.huntr.NOTE_UPDATED 69b94880ce8d61eb1418d745
    co.huntr.ORGANIZATION_COMPANY_CREATED
    co.huntr.ORGANIZATION_COMPANY_UPDATED
    co.huntr.ORGANIZATION_EMPLOYER_PARTNERSHIP_CREATED
    co.huntr.ORGANIZATION_EMPLOYER_REQUEST_APPROVED
    co.huntr.ORGANIZATION_EMPLOYER_REQUEST_CREATED
    co.huntr.ORGANIZATION_EMPLOYER_REQUEST_DECLINED
    co.huntr.ORGANIZATION_EMPLOYER_REQUEST_VERIFIED
    co.huntr.ORGANIZATION_TALENT_PORTAL_ACCESSED
    co.huntr.TEST
    cloud.hunty.candidate.CandidateStatusTransitionedEvent cnd_48120
    cloud.hunty.candidate.CandidateStatusTransitionedEvent cnd_48120
    "#);
}

#[test]
fn the_entity_is_whom_the_action_is_about() {
    for (body, entity) in [
        (
            r#"{"actionType":"JOB_MOVED","ownerMember":{"id":"o"},"member":{"id":"m"}}"#,
            Some("o"),
        ),
        (
            r#"{"eventType":"JOB_ADDED","member":{"id":"m"}}"#,
            Some("m"),
        ),
        (
            r#"{"actionType":"MEMBER_UPDATED","ownerMember":{"id":"o"},"member":{"id":"m"}}"#,
            Some("m"),
        ),
        (
            r#"{"actionType":"MEMBER_DEACTIVATED","memberId":"i","ownerMember":{"id":"o"}}"#,
            Some("i"),
        ),
        (
            r#"{"actionType":"X","ownerMember":7,"member":[1],"memberId":"i"}"#,
            Some("i"),
        ),
        (
            r#"{"actionType":"X","ownerMember":{"id":""},"member":{"id":"a\u0000"},"memberId":5}"#,
            None,
        ),
        (
            r#"{"actionType":"X","ownerMember":{"id":"\ud800"},"memberId":null}"#,
            None,
        ),
        (r#"["MEMBER_X",1,2]"#, None),
        ("not JSON", None),
    ] {
        assert_eq!(
            reading("huntr").entity(body.as_bytes()).as_deref(),
            entity,
            "{body}"
        );
    }
    for (body, entity) in [
        (r#"{"payload":{"id":"c"}}"#, Some("c")),
        (r#"{"Payload":{"Id":48120}}"#, Some("48120")),
        (r#"{"Payload":{"ID":"c","name":"n"}}"#, Some("c")),
        (r#"{"payload":{"id":{},"Id":"c"}}"#, Some("c")),
        (r#"{"payload":{"name":"n"}}"#, None),
        (r#"{"payload":["c"]}"#, None),
        (r#"{"id":"c"}"#, None),
        ("\u{feff}{}", None),
    ] {
        assert_eq!(
            reading("hunty").entity(body.as_bytes()).as_deref(),
            entity,
            "{body}"
        );
    }
}

#[test]
fn the_payload_is_the_senders_own_bytes() {
    let odd = r#"{ "a" : 1.0e2, "b": "\u00e9\/", "c":[0.10] }"#;
    let payload = |provider: &str, body: &str| {
        let event = stored(provider, body);
        reading(provider)
            .payload(&event)
            .map(|raw| raw.get().to_owned())
    };
    assert_eq!(payload("huntr", &format!("\n{odd} ")).as_deref(), Some(odd));
    let v1 = format!(r#"{{"WebhookId":"w","IdempotencyId":"i","Payload":{odd}}}"#);
    let v2 = format!(r#"{{"webhookId":"w","idempotencyId":"i","payload":{odd}}}"#);
    assert_eq!(payload("hunty", &v1).as_deref(), Some(odd));
    assert_eq!(payload("hunty", &v2).as_deref(), Some(odd));
    for whole in [
        r#"{"webhookId":"w"}"#,
        r#"{"webhookId":"w","payload":null}"#,
        r#"{"Payload":1,"payload":2}"#,
        "[]",
    ] {
        assert_eq!(payload("hunty", whole).as_deref(), Some(whole));
    }
    assert_eq!(payload("a later one", odd).as_deref(), Some(odd));
}

#[test]
fn what_a_consumer_could_not_read_is_no_payload() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (value, is_readable) in [
        ("1".to_owned(), true),
        (r#""\u0000""#.to_owned(), true),
        (r#""\ud800""#.to_owned(), false),
        (r#""\ud83d\ude00""#.to_owned(), true),
        ("1e999".to_owned(), false),
        (nested(100), true),
        (nested(125), true),
        (nested(126), false),
        (nested(10_000), false),
        ("\u{1}".to_owned(), false),
        (String::new(), false),
    ] {
        let body = format!(r#"{{"id":"a","x":{value}}}"#);
        for provider in ["huntr", "a later one"] {
            let event = stored(provider, &body);
            let payload = reading(provider).payload(&event);
            assert_eq!(
                payload.is_some(),
                is_readable,
                "{provider}: {}",
                &body[..body.len().min(60)]
            );
        }
    }
}

#[test]
fn a_sentence_is_safe_and_short_whatever_the_names_are() {
    for (body, sentence) in [
        (
            r#"{"id":"a","actionType":"JOB_CREATED"}"#,
            "Somebody added a job",
        ),
        (
            r#"{"id":"a","actionType":"JOB_MOVED","toList":{"name":"Applied"}}"#,
            "Somebody moved a job to *Applied*",
        ),
        (
            r#"{"id":"a","actionType":"JOB_CREATED","job":{"title":"<!here> *R&D*"},"ownerMember":{"fullName":"A\nB"}}"#,
            "*A B* added *&lt;!here&gt; R&amp;D*",
        ),
        (
            r#"{"id":"a","actionType":"ACTIVITY_CREATED","activityCategory":{"name":"offer received"}}"#,
            "A job seeker received an offer for a job",
        ),
        (
            r#"{"id":"a","actionType":"NOTE_CREATED","note":"x","job":7,"employer":[]}"#,
            "Somebody added a note",
        ),
        (
            r#"{"id":"a","actionType":"NOTE_CREATED","creatorMember":{"id":"c","givenName":"C"},"ownerMember":{"id":"o","givenName":"O"}}"#,
            "*C* added a note, board of *O*",
        ),
        (
            r#"{"id":"a","actionType":"<b>*_X"}"#,
            "*&lt;b&gt; _X* from huntr",
        ),
        (r#"{"id":"a"}"#, "An event without a type from huntr"),
        ("\u{0}\u{1}", "An event without a type from huntr"),
    ] {
        assert_eq!(
            reading("huntr").headline(&stored("huntr", body)),
            sentence,
            "{body}"
        );
    }
    let huge = "<\\n".repeat(100_000);
    for event_type in [
        "JOB_MOVED",
        "ACTIVITY_CREATED",
        "ACTIVITY_DELETED",
        "MEMBER_CREATED",
    ] {
        let names =
            format!(r#"{{"id":"x","givenName":"{huge}","title":"{huge}","name":"{huge}"}}"#);
        let body = format!(
            r#"{{"id":"a","actionType":"{event_type}","ownerMember":{names},"job":{names},"employer":{names},"member":{names},
            "activity":{names},"activityCategory":{names},"fromList":{names},"toList":{names}}}"#
        );
        let headline = reading("huntr").headline(&stored("huntr", &body));
        assert!(
            headline.len() < 3000 && !headline.contains(char::is_control),
            "{headline}"
        );
    }
    assert_eq!(
        reading("hunty").headline(&stored(
            "hunty",
            r#"{"webhookId":"w","event":"E","payload":{"NAME":"A<*","status":"x*"}}"#
        )),
        "*A&lt;*: x* (E)"
    );
}
