//! Says in one sentence what an Action tells.

use serde_json::Value;

use super::Reading;
use crate::{
    domain::EventRecord,
    providers::reading::{Reading as _, bold},
};

/// The sentence for a type that has one; every name in it may be missing.
pub(super) fn of(event: &EventRecord) -> Option<String> {
    let action = Reading.payload(event)?;
    let action = Action(serde_json::from_str(action.get()).ok()?);
    let event_type = event.summary.event_type.as_deref()?;
    if let Some(what) = event_type.strip_prefix("MEMBER_") {
        return action.about_member(what);
    }
    match event_type {
        "JOB_MOVED" => Some(action.by_actor("moved", &action.job(), &action.way())),
        "ACTIVITY_CREATED" => Some(action.new_activity()),
        _ => action.about_resource(event_type),
    }
}

/// What stands in place of a title that was not given.
const NO_TITLE: &str = "No Job Title";

/// The whole Action.
struct Action(Value);

impl Action {
    fn about_member(&self, what: &str) -> Option<String> {
        let member = self.person("member").or_else(|| self.person("ownerMember"));
        let member = member.unwrap_or_else(|| "A member".to_owned());
        Some(match what {
            "CREATED" => format!("{member} joined"),
            "UPDATED" => format!("The profile of {member} was updated"),
            "DEACTIVATED" => format!("{member} was deactivated"),
            "DELETED" => format!("{member} was deleted"),
            _ => return None,
        })
    }

    /// `JOB_CREATED`, `NOTE_DELETED` and so on.
    fn about_resource(&self, event_type: &str) -> Option<String> {
        let (resource, what) = event_type.rsplit_once('_')?;
        let verb = match what {
            "CREATED" => "added",
            "UPDATED" => "updated",
            "DELETED" => "deleted",
            _ => return None,
        };
        let (object, rest) = match resource {
            "JOB" => (self.job(), self.list("toList", "to")),
            "ACTIVITY" => (self.activity(), self.job_after("for")),
            "NOTE" => ("a note".to_owned(), self.job_after("on")),
            "CONTACT" => (self.contact(), String::new()),
            "DOCUMENT" => (
                self.named("the document", "a document", "/document/title"),
                String::new(),
            ),
            "JOB_POST" => (
                self.named("the job post", "a job post", "/jobPost/title"),
                self.at_employer(),
            ),
            "ORGANIZATION_COMPANY" => (
                self.named("the employer", "an employer", "/employer/name"),
                String::new(),
            ),
            _ => return None,
        };
        Some(self.by_actor(verb, &object, &rest))
    }

    /// What a job seeker has reached is told of the job seeker, whoever wrote it down.
    fn new_activity(&self) -> String {
        let category = self.text("/activityCategory/name").unwrap_or_default();
        let reached = match category.to_ascii_lowercase().as_str() {
            "apply" => "applied for",
            "phone screen" => "has a phone screen for",
            "phone interview" => "has a phone interview for",
            "on site interview" => "has an on-site interview for",
            "assignment" => "has an assignment for",
            "offer received" => "received an offer for",
            "accept offer" => "accepted the offer for",
            "decline offer" => "declined the offer for",
            "rejected" => "was rejected for",
            "application withdrawn" => "withdrew the application for",
            _ => return self.by_actor("added", &self.activity(), &self.job_after("for")),
        };
        format!("{} {reached} {}", self.owner(), self.job())
    }

    /// "*Ada* moved *Engineer* … for *Grace*": the last only when it is not her own.
    fn by_actor(&self, verb: &str, object: &str, rest: &str) -> String {
        let creator = self.person("creatorMember");
        let is_own = self.text("/creatorMember/id") == self.text("/ownerMember/id");
        let by_workflow = self.0.get("createdByWorkflow") == Some(&Value::Bool(true));
        match creator {
            Some(creator) if !is_own && !by_workflow => {
                let owner = self.person("ownerMember");
                let owner = owner.map(|owner| format!(", board of {owner}"));
                format!(
                    "{creator} {verb} {object}{rest}{}",
                    owner.unwrap_or_default()
                )
            }
            creator => {
                let actor = self.person("ownerMember").or(creator);
                let actor = actor.unwrap_or_else(|| "Somebody".to_owned());
                format!("{actor} {verb} {object}{rest}")
            }
        }
    }

    fn owner(&self) -> String {
        let owner = self.person("ownerMember").or_else(|| self.person("member"));
        owner.unwrap_or_else(|| "A job seeker".to_owned())
    }

    fn person(&self, key: &str) -> Option<String> {
        let name = |part: &str| self.text(&format!("/{key}/{part}"));
        let names = [name("givenName"), name("familyName")];
        let given_and_family: Vec<_> = names.into_iter().flatten().collect();
        let whole = given_and_family.join(" ");
        let whole = Some(bold(&whole)).filter(|whole| !whole.is_empty());
        whole.or_else(|| name("fullName").map(bold).filter(|whole| !whole.is_empty()))
    }

    fn job(&self) -> String {
        format!(
            "{}{}",
            self.named("", "a job", "/job/title"),
            self.at_employer()
        )
    }

    fn job_after(&self, word: &str) -> String {
        match self.bold("/job/title") {
            Some(title) => format!(" {word} {title}{}", self.at_employer()),
            None => self.at_employer(),
        }
    }

    fn at_employer(&self) -> String {
        let employer = self.bold("/employer/name");
        employer.map_or_else(String::new, |employer| format!(" at {employer}"))
    }

    /// " from *Wishlist* to *Applied*".
    fn way(&self) -> String {
        format!(
            "{}{}",
            self.list("fromList", "from"),
            self.list("toList", "to")
        )
    }

    fn list(&self, key: &str, word: &str) -> String {
        let name = self.bold(&format!("/{key}/name"));
        name.map_or_else(String::new, |name| format!(" {word} {name}"))
    }

    /// "the activity *Call back* (Follow Up)".
    fn activity(&self) -> String {
        let activity = self.named("the activity", "an activity", "/activity/title");
        match self.bold("/activityCategory/name") {
            Some(category) => format!("{activity} ({})", category.trim_matches('*')),
            None => activity,
        }
    }

    fn contact(&self) -> String {
        let names = ["/contact/firstName", "/contact/lastName"];
        let names: Vec<_> = names
            .into_iter()
            .filter_map(|path| self.text(path))
            .collect();
        match bold(&names.join(" ")) {
            name if name.is_empty() => "a contact".to_owned(),
            name => format!("the contact {name}"),
        }
    }

    /// The thing with its name, or the thing without one.
    fn named(&self, with_name: &str, without: &str, path: &str) -> String {
        match self.bold(path) {
            Some(name) => format!("{with_name} {name}").trim_start().to_owned(),
            None => without.to_owned(),
        }
    }

    fn bold(&self, path: &str) -> Option<String> {
        self.text(path).map(bold).filter(|text| !text.is_empty())
    }

    fn text(&self, path: &str) -> Option<&str> {
        let text = self.0.pointer(path)?.as_str();
        text.filter(|text| *text != NO_TITLE)
    }
}
