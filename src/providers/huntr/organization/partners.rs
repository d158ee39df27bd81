//! What goes on between the organisation and employers: partnerships, requests, the talent portal.

use serde_json::{Value, json};

use super::{
    ObjectId, Person,
    history::By,
    world::{Draft, World, seconds},
};
use crate::domain::Timestamp;

/// What is going on; the typed tables know nothing of it, so it is no part of the history.
#[derive(Default)]
pub(super) struct Partners {
    /// Places in the history's employers.
    pub(super) employers: Vec<usize>,
    requests: Vec<Request>,
}

struct Request {
    id: ObjectId,
    from: Person,
    made_at: Timestamp,
    employer: Option<usize>,
}

impl World {
    /// More happens where there are more members.
    pub(super) fn make_partners(&mut self, members: u32) {
        for _ in 0..3 + members / 20 {
            self.plan_in_days(0..=2, Self::find_partner, 0);
        }
        for _ in 0..2 + members / 50 {
            self.plan_in_days(1..=170, Self::ask, 0);
        }
        for _ in 0..3 + members / 20 {
            self.plan_in_days(4..=170, Self::post_job, 0);
        }
        for _ in 0..2 + members / 100 {
            self.plan_in_days(30..=178, Self::edit_posts, 0);
        }
        for _ in 0..2 + members / 10 {
            self.plan_in_days(10..=181, Self::browse, 0);
        }
    }

    /// Any of them.
    pub(super) fn advisor(&mut self) -> By {
        By::Advisor(self.dice.index(self.history.advisors.len()))
    }

    fn find_partner(&mut self, _: usize) {
        let employer = self.new_company(true);
        let number = self.history.employers.len();
        self.history.employers.push(employer);
        let draft = Draft {
            kind: "ORGANIZATION_COMPANY_CREATED",
            by: self.advisor(),
            employer: Some(number),
            ..Draft::default()
        };
        self.tell(&draft);
        self.plan_in_days(0..=10, Self::befriend, number);
    }

    fn befriend(&mut self, employer: usize) {
        self.history.employers[employer].is_partner = true;
        self.partners.employers.push(employer);
        let draft = Draft {
            kind: "ORGANIZATION_COMPANY_UPDATED",
            by: self.advisor(),
            employer: Some(employer),
            update: Some(json!({ "isPartner": true })),
            ..Draft::default()
        };
        let id = self.history.employers[employer].id;
        self.tell(&draft.with("employerId", json!(id)));
    }

    /// Somebody of an employer's signs up.
    fn ask(&mut self, _: usize) {
        let request = Request {
            id: self.id(),
            from: self.person(),
            made_at: self.now,
            employer: None,
        };
        let number = self.partners.requests.len();
        self.partners.requests.push(request);
        self.tell_of_request("ORGANIZATION_EMPLOYER_REQUEST_CREATED", number, By::Other);
        self.plan_in_days(0..=1, Self::verify, number);
    }

    fn verify(&mut self, request: usize) {
        let employer = self.new_company(true);
        self.partners.requests[request].employer = Some(self.history.employers.len());
        self.history.employers.push(employer);
        self.tell_of_request("ORGANIZATION_EMPLOYER_REQUEST_VERIFIED", request, By::Other);
        self.plan_in_days(1..=3, Self::decide, request);
    }

    fn decide(&mut self, request: usize) {
        let by = self.advisor();
        if self.dice.percent(30) {
            self.tell_of_request("ORGANIZATION_EMPLOYER_REQUEST_DECLINED", request, by);
            return;
        }
        self.tell_of_request("ORGANIZATION_EMPLOYER_REQUEST_APPROVED", request, by);
        let Some(employer) = self.partners.requests[request].employer else {
            return;
        };
        self.history.employers[employer].is_partner = true;
        self.partners.employers.push(employer);
        let partnership = json!({
            "id": self.id(),
            "employerCanPostJobs": true,
            "employerCanBrowseCandidates": true,
            "employerId": self.history.employers[employer].id,
            "createdAt": seconds(self.now),
        });
        let draft = Draft {
            kind: "ORGANIZATION_EMPLOYER_PARTNERSHIP_CREATED",
            by: By::Other,
            employer: Some(employer),
            ..Draft::default()
        };
        self.tell(&draft.with("organizationEmployerPartnership", partnership));
    }

    fn tell_of_request(&mut self, kind: &'static str, request: usize, by: By) {
        let request = &self.partners.requests[request];
        let status = match kind {
            "ORGANIZATION_EMPLOYER_REQUEST_APPROVED" => "APPROVED",
            "ORGANIZATION_EMPLOYER_REQUEST_DECLINED" => "REJECTED",
            _ => "PENDING",
        };
        let mut value = json!({
            "id": request.id,
            "approvalStatus": status,
            "fromEmail": request.from.email,
            "utmTags": {},
            "createdAt": seconds(request.made_at),
        });
        if status != "PENDING" {
            value["decidedAt"] = seconds(self.now);
        }
        let draft = Draft {
            kind,
            by,
            employer: request.employer,
            ..Draft::default()
        };
        self.tell(&draft.with("organizationEmployerRequest", value));
    }

    /// A partner opens the portal, searches, and looks at somebody.
    fn browse(&mut self, _: usize) {
        let requests = self.partners.requests.iter();
        let mut known = requests.filter(|request| {
            let employer = request
                .employer
                .map(|employer| &self.history.employers[employer]);
            employer.is_some_and(|employer| employer.is_partner)
        });
        let Some(request) = known.next_back() else {
            return;
        };
        let (person, employer) = (&request.from, request.employer);
        let somebody = json!({
            "id": person.id,
            "givenName": person.given_name,
            "familyName": person.family_name,
            "fullName": format!("{} {}", person.given_name, person.family_name),
            "email": person.email,
            "createdAt": seconds(person.created_at),
        });
        let draft = |kind| Draft {
            kind,
            by: By::Other,
            employer,
            ..Draft::default()
        };
        let draft = |kind| draft(kind).with("creatorEmployerMember", somebody.clone());
        self.tell(&draft("ORGANIZATION_TALENT_PORTAL_ACCESSED"));
        let filters = json!({ "query": "SQL “field data”", "locations": ["Leith"] });
        self.tell(&draft("CANDIDATE_SEARCH_RAN").with("filters", filters));
        if !self.history.members.is_empty() {
            let candidate = self.candidate();
            self.tell(&draft("CANDIDATE_PROFILE_VIEWED").with("candidate", candidate));
        }
    }

    fn candidate(&mut self) -> Value {
        let member = self.dice.index(self.history.members.len());
        let id = self.id();
        let person = &self.history.members[member].person;
        json!({
            "id": id,
            "memberId": person.id,
            "firstName": person.given_name,
            "lastName": person.family_name,
            "email": person.email,
        })
    }
}
