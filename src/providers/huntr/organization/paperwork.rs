//! What members write down and keep: notes, contacts, documents.

use serde_json::{Value, json};

use super::{
    By, Contact, Note, ObjectId, words,
    world::{Draft, World},
};

/// A file of a member's; the typed tables know nothing of it, so it is no part of the history.
pub(super) struct Document {
    id: ObjectId,
    member: usize,
    title: &'static str,
    file: String,
    is_deleted: bool,
}

impl World {
    pub(super) fn write(&mut self, job: usize) {
        if self.is_over(job) {
            return;
        }
        let member = self.history.jobs[job].member;
        let by = self.somebody(member);
        let text = self.dice.pick(&words::NOTES);
        let note = Note {
            id: self.id(),
            job,
            text: text.to_owned(),
            created_by: by,
            deleted_at: None,
        };
        let number = self.history.notes.len();
        self.history.notes.push(note);
        self.tell_of_note("NOTE_CREATED", number, by);
        self.perhaps(25, 0..=10, Self::edit_note, number);
        self.perhaps(8, 1..=20, Self::delete_note, number);
    }

    fn note_is_settled(&self, note: usize) -> bool {
        let note = &self.history.notes[note];
        note.deleted_at.is_some() || self.is_over(note.job)
    }

    fn edit_note(&mut self, note: usize) {
        if self.note_is_settled(note) {
            return;
        }
        let more = self.dice.pick(&words::NOTES);
        let text = &mut self.history.notes[note].text;
        text.push('\n');
        text.push_str(more);
        self.tell_of_note("NOTE_UPDATED", note, By::Owner);
    }

    fn delete_note(&mut self, note: usize) {
        if self.note_is_settled(note) {
            return;
        }
        self.history.notes[note].deleted_at = Some(self.now);
        self.tell_of_note("NOTE_DELETED", note, By::Owner);
    }

    fn tell_of_note(&mut self, kind: &'static str, note: usize, by: By) {
        let draft = Draft {
            kind,
            by,
            note: Some(note),
            ..self.about(self.history.notes[note].job)
        };
        self.tell(&draft);
    }

    /// A member comes to know somebody through a job.
    pub(super) fn meet(&mut self, job: usize) {
        if self.is_over(job) {
            return;
        }
        let has_title = self.dice.percent(70);
        let contact = Contact {
            id: self.id(),
            member: self.history.jobs[job].member,
            first_name: self.dice.pick(&words::GIVEN_NAMES),
            last_name: self.dice.pick(&words::FAMILY_NAMES),
            title: has_title.then(|| self.dice.pick(&words::CONTACT_TITLES)),
            jobs: vec![job],
            deleted_at: None,
        };
        let number = self.history.contacts.len();
        self.history.contacts.push(contact);
        self.tell_of_contact("CONTACT_CREATED", number, None);
        self.perhaps(25, 1..=20, Self::edit_contact, number);
        self.perhaps(5, 5..=40, Self::delete_contact, number);
    }

    fn contact_is_settled(&self, contact: usize) -> bool {
        let contact = &self.history.contacts[contact];
        contact.deleted_at.is_some() || self.history.members[contact.member].is_gone()
    }

    fn edit_contact(&mut self, contact: usize) {
        if self.contact_is_settled(contact) {
            return;
        }
        let title = self.dice.pick(&words::CONTACT_TITLES);
        self.history.contacts[contact].title = Some(title);
        self.tell_of_contact("CONTACT_UPDATED", contact, Some(json!({ "title": title })));
    }

    fn delete_contact(&mut self, contact: usize) {
        if self.contact_is_settled(contact) {
            return;
        }
        self.history.contacts[contact].deleted_at = Some(self.now);
        self.tell_of_contact("CONTACT_DELETED", contact, None);
    }

    fn tell_of_contact(&mut self, kind: &'static str, contact: usize, update: Option<Value>) {
        let known = &self.history.contacts[contact];
        let is_deleted = known.deleted_at.is_some();
        let draft = Draft {
            kind,
            member: Some(known.member),
            contact: Some(contact),
            jobs: (!is_deleted).then(|| known.jobs.clone()),
            update,
            ..Draft::default()
        };
        self.tell(&draft);
    }

    pub(super) fn upload(&mut self, member: usize) {
        if self.history.members[member].is_gone() {
            return;
        }
        let person = &self.history.members[member].person;
        let name = words::plain(person.family_name);
        let (title, file) = if self.dice.percent(60) {
            ("Résumé", format!("resume-{name}.pdf"))
        } else {
            ("Cover letter", format!("cover-letter-{name}.docx"))
        };
        let document = Document {
            id: self.id(),
            member,
            title,
            file,
            is_deleted: false,
        };
        let number = self.documents.len();
        self.documents.push(document);
        self.tell_of_document("DOCUMENT_CREATED", number, None);
        self.perhaps(30, 1..=30, Self::retitle, number);
        self.perhaps(10, 10..=60, Self::delete_document, number);
        self.perhaps(40, 5..=30, Self::upload, member);
    }

    fn document_is_settled(&self, document: usize) -> bool {
        let document = &self.documents[document];
        document.is_deleted || self.history.members[document.member].is_gone()
    }

    fn retitle(&mut self, document: usize) {
        if self.document_is_settled(document) {
            return;
        }
        let title = "Résumé – new";
        self.documents[document].title = title;
        self.tell_of_document(
            "DOCUMENT_UPDATED",
            document,
            Some(json!({ "title": title })),
        );
    }

    fn delete_document(&mut self, document: usize) {
        if self.document_is_settled(document) {
            return;
        }
        self.documents[document].is_deleted = true;
        self.tell_of_document("DOCUMENT_DELETED", document, None);
    }

    fn tell_of_document(&mut self, kind: &'static str, document: usize, update: Option<Value>) {
        let known = &self.documents[document];
        let (_, extension) = known.file.rsplit_once('.').unwrap_or_default();
        let value = json!({
            "id": known.id,
            "title": known.title,
            "name": known.file,
            "url": format!("https://files.example.com/{}/{}", known.id, known.file),
            "extension": extension,
            "documentCategoryName": if extension == "pdf" { "Resume" } else { "Cover Letter" },
        });
        let draft = Draft {
            kind,
            member: Some(known.member),
            jobs: (!known.is_deleted).then(Vec::new),
            update,
            ..Draft::default()
        };
        let draft = draft.with("documentId", json!(known.id));
        let draft = if known.is_deleted {
            draft
        } else {
            draft.with("document", value)
        };
        self.tell(&draft);
    }
}
