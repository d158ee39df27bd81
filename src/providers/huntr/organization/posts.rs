//! Jobs that partners offer to all members.

use serde_json::{Value, json};

use super::{
    ObjectId, words,
    world::{Draft, World, seconds},
};
use crate::domain::Timestamp;

/// A job post; the typed tables know nothing of them, so they are no part of the history.
pub(super) struct JobPost {
    id: ObjectId,
    employer: usize,
    title: &'static str,
    created_at: Timestamp,
    is_remote: bool,
    is_deleted: bool,
}

impl World {
    pub(super) fn post_job(&mut self, _: usize) {
        if self.partners.employers.is_empty() {
            return;
        }
        let post = JobPost {
            id: self.id(),
            employer: self.dice.pick(&self.partners.employers),
            title: self.dice.pick(&words::TITLES),
            created_at: self.now,
            is_remote: self.dice.percent(30),
            is_deleted: false,
        };
        let number = self.posts.len();
        self.posts.push(post);
        self.tell_of_post("JOB_POST_CREATED", number, None);
        self.perhaps(50, 1..=20, Self::edit_post, number);
        self.perhaps(30, 20..=60, Self::delete_post, number);
    }

    fn edit_post(&mut self, post: usize) {
        if !self.posts[post].is_deleted {
            self.posts[post].is_remote ^= true;
            let update = json!({ "isRemote": self.posts[post].is_remote });
            self.tell_of_post("JOB_POST_UPDATED", post, Some(update));
        }
    }

    fn delete_post(&mut self, post: usize) {
        self.posts[post].is_deleted = true;
        self.tell_of_post("JOB_POST_DELETED", post, None);
    }

    fn tell_of_post(&mut self, kind: &'static str, post: usize, update: Option<Value>) {
        let by = self.advisor();
        let post = &self.posts[post];
        let draft = Draft {
            kind,
            by,
            employer: Some(post.employer),
            update,
            ..Draft::default()
        };
        let draft = draft.with("jobPostId", json!(post.id));
        let draft = if post.is_deleted {
            draft
        } else {
            let employer = self.history.employers[post.employer].id;
            draft.with("jobPost", post.to_json(employer))
        };
        self.tell(&draft);
    }

    pub(super) fn edit_posts(&mut self, _: usize) {
        let open = self.posts.iter().filter(|post| !post.is_deleted);
        let ids: Vec<_> = open.map(|post| post.id).collect();
        let draft = Draft {
            kind: "BULK_JOB_POST_UPDATED",
            by: self.advisor(),
            update: Some(json!({ "visibility": "VISIBLE", "tags": ["open now"] })),
            ..Draft::default()
        };
        self.tell(&draft.with("jobPostIds", json!(ids)));
    }
}

impl JobPost {
    fn to_json(&self, employer: ObjectId) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "htmlDescription": "<p>Join us &amp; learn.</p>",
            "employerId": employer,
            "jobType": "FULL_TIME",
            "isRemote": self.is_remote,
            "salary": { "min": 52_000, "max": 64_000, "currency": "EUR", "interval": "YEAR" },
            "jobPostStatus": { "name": "Open" },
            "tags": [],
            "postDate": seconds(self.created_at),
            "createdAt": seconds(self.created_at),
            "visibility": "VISIBLE",
            "visibleMemberGroupIds": [],
        })
    }
}
