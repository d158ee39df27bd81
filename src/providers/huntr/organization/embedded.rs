//! What Actions embed, as JSON: subsets of the whole, as Huntr's are.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Activity, Contact, Employer, FieldValue, Job, Member, Note, ObjectId, Person, words};

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonJson<'a> {
    id: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
    given_name: &'a str,
    family_name: &'a str,
    email: &'a str,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board_ids: Option<[ObjectId; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advisor: Option<Box<PersonJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_field_values: Option<&'a [FieldValue]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_field_values_keyed_by_id: Option<Map<String, Value>>,
}

impl<'a> PersonJson<'a> {
    /// Somebody who looks after members.
    pub(super) fn advisor(person: &'a Person, in_full: bool) -> Self {
        let name = || format!("{} {}", person.given_name, person.family_name);
        Self {
            id: Some(person.id),
            full_name: in_full.then(name),
            given_name: person.given_name,
            family_name: person.family_name,
            email: &person.email,
            created_at: person.created_at.timestamp(),
            is_active: Some(true),
            last_seen_at: in_full.then(|| person.last_seen_at.timestamp()),
            ..Self::default()
        }
    }

    /// As documented, or with what live payloads have besides.
    pub(super) fn member(member: &'a Member, in_full: bool) -> Self {
        Self {
            is_active: Some(member.is_active),
            board_ids: in_full.then_some([member.board_id]),
            member_field_values: in_full.then_some(&*member.fields),
            ..Self::advisor(&member.person, in_full)
        }
    }

    /// As the subject of an Action.
    pub(super) fn subject(member: &'a Member, advisors: &'a [Person]) -> Self {
        let keyed = |value: &FieldValue| (value.field_id.to_owned(), json!(value));
        let advisor = member.advisor.map(|advisor| {
            let advisor = Self::advisor(&advisors[advisor], true);
            Box::new(PersonJson {
                is_active: None,
                ..advisor
            })
        });
        Self {
            advisor,
            member_field_values_keyed_by_id: Some(member.fields.iter().map(keyed).collect()),
            ..Self::member(member, true)
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobJson<'a> {
    id: ObjectId,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    salary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    location: Value,
    created_at: i64,
    board_id: ObjectId,
    list_id: ObjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
}

impl<'a> JobJson<'a> {
    pub(super) fn new(job: &'a Job, owner: &Member) -> Self {
        Self {
            id: job.id,
            title: job.title.unwrap_or("No Job Title"),
            salary: job.salary.as_ref().map(|salary| &*salary.text),
            url: job.url.as_deref(),
            location: location(job.place),
            created_at: job.created_at.timestamp(),
            board_id: owner.board_id,
            list_id: owner.list_ids[job.list],
            deadline: job.deadline_at.map(|deadline| deadline.timestamp()),
        }
    }
}

/// An object always, and often an empty one.
fn location(place: Option<usize>) -> Value {
    let Some((address, name, lat, lng)) = place.map(|place| words::PLACES[place]) else {
        return json!({});
    };
    if lat.is_empty() {
        return json!({ "address": address });
    }
    json!({ "address": address, "name": name, "lat": lat, "lng": lng })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmployerJson<'a> {
    id: ObjectId,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    founded_year: Option<u32>,
    is_partner: bool,
    description: &'a str,
    location: &'a str,
}

impl<'a> EmployerJson<'a> {
    pub(super) fn new(employer: &'a Employer) -> Self {
        Self {
            id: employer.id,
            name: &employer.name,
            domain: employer.domain.as_deref(),
            founded_year: employer.founded_year,
            is_partner: employer.is_partner,
            description: employer.description,
            location: employer.location,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActivityJson<'a> {
    id: ObjectId,
    title: &'a str,
    note: &'a str,
    completed: bool,
    created_by_workflow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<i64>,
    created_at: i64,
}

impl<'a> ActivityJson<'a> {
    /// The title of what the workflow makes is not the category's name: "Applied", not "Apply".
    pub(super) fn new(activity: &'a Activity) -> Self {
        let by_workflow = activity.created_by == super::By::Workflow;
        let title = match activity.category.name {
            "Apply" if by_workflow => "Applied",
            "Offer Received" => "Offer received",
            name => name,
        };
        Self {
            id: activity.id,
            title,
            note: activity.note,
            completed: activity.completed,
            created_by_workflow: by_workflow,
            start_at: activity.start_at.map(|at| at.timestamp()),
            end_at: activity.end_at.map(|at| at.timestamp()),
            completed_at: activity.completed_at.map(|at| at.timestamp()),
            created_at: activity.created_at.timestamp(),
        }
    }
}

pub(super) fn note(note: &Note) -> Value {
    let html = note.text.replace('&', "&amp;").replace('\n', "</p><p>");
    json!({ "id": note.id, "text": note.text, "htmlText": format!("<p>{html}</p>") })
}

pub(super) fn contact(contact: &Contact) -> Value {
    let (first, last) = (contact.first_name, contact.last_name);
    let email = format!("{}.{}@example.com", words::plain(first), words::plain(last));
    let mut value =
        json!({ "id": contact.id, "firstName": first, "lastName": last, "email": email });
    if let Some(title) = contact.title {
        value["title"] = title.into();
        value["profiles"] = json!({ "linkedin": format!("{}-invented", words::plain(last)) });
    }
    value
}
