//! Reads the organisation's own fields of a member from the API's answer to `GET /member-fields`.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{MemberField, MemberFields},
    providers::{FieldsError, json::tame},
};

/// The list itself, or a page of it. The API reference has pages with `next`, and lists without.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    List(Vec<Value>),
    Page {
        data: Vec<Value>,
        #[serde(default)]
        next: Value,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    id: String,
    name: String,
    field_type: Option<String>,
    choices: Option<Vec<Value>>,
    employer_partner_can_view: Option<bool>,
    job_seeker_can_edit: Option<bool>,
}

/// The fields of an answer. It is all of them unless the answer names a next page.
pub(super) fn read(answer: &[u8]) -> Result<MemberFields, FieldsError> {
    let text = tame(answer).ok_or(FieldsError::NotJson)?;
    let (fields, next) = match serde_json::from_str(&text) {
        Ok(Answer::List(fields)) => (fields, Value::Null),
        Ok(Answer::Page { data, next }) => (data, next),
        Err(_) => return Err(FieldsError::NoList),
    };
    let fields = fields.into_iter().enumerate().map(|(position, field)| {
        let number = position + 1;
        let field = serde_json::from_value(field);
        field.map_err(|source| FieldsError::NoField { number, source })
    });
    let fields: Vec<Described> = fields.collect::<Result<_, _>>()?;
    if fields.is_empty() {
        return Err(FieldsError::Empty);
    }
    Ok(MemberFields {
        fields: fields.into_iter().map(MemberField::from).collect(),
        are_all: next.is_null() || next == "",
    })
}

impl From<Described> for MemberField {
    fn from(field: Described) -> Self {
        Self {
            id: field.id,
            name: field.name,
            field_type: field.field_type,
            choices: field
                .choices
                .map(|choices| Value::from(choices).to_string()),
            employer_partner_can_view: field.employer_partner_can_view,
            job_seeker_can_edit: field.job_seeker_can_edit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COHORT: &str = r#"{"id":"5f","name":"Cohort","fieldType":"MULTIPLE_CHOICE","choices":["A","B"],
        "employerPartnerCanView":false,"jobSeekerCanEdit":true}"#;

    fn names(answer: &str) -> (Vec<String>, bool) {
        let MemberFields { fields, are_all } = read(answer.as_bytes()).expect("fields");
        let names = fields.into_iter().map(|field| field.name).collect();
        (names, are_all)
    }

    #[test]
    fn a_list_and_a_page_are_read_alike() {
        let cohort = vec!["Cohort".to_owned()];
        for (answer, are_all) in [
            (format!("[{COHORT}]"), true),
            (format!(r#"{{"data":[{COHORT}]}}"#), true),
            (format!(r#"{{"data":[{COHORT}],"next":null}}"#), true),
            (format!(r#"{{"data":[{COHORT}],"next":"5f"}}"#), false),
        ] {
            assert_eq!(names(&answer), (cohort.clone(), are_all), "{answer}");
        }
    }

    #[test]
    fn a_field_is_read_whole() {
        let read = read(format!("[{COHORT}]").as_bytes()).expect("a field");
        let expected = MemberField {
            id: "5f".into(),
            name: "Cohort".into(),
            field_type: Some("MULTIPLE_CHOICE".into()),
            choices: Some(r#"["A","B"]"#.into()),
            employer_partner_can_view: Some(false),
            job_seeker_can_edit: Some(true),
        };
        assert_eq!(read.fields, [expected]);
    }

    #[test]
    fn what_is_no_list_of_fields_is_refused() {
        for (answer, why) in [
            ("", "it is not JSON"),
            ("{}", "it has no list of fields"),
            ("[]", "its list has no fields: nothing was changed"),
            (r#"{"data":{"id":"5f"}}"#, "it has no list of fields"),
            (
                r#"{"data":[]}"#,
                "its list has no fields: nothing was changed",
            ),
            (
                r#"[{"id":"5f","givenName":"Noor"}]"#,
                "number 1 in it is no field",
            ),
            ("[7]", "number 1 in it is no field"),
        ] {
            let error = read(answer.as_bytes()).expect_err(answer).to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn what_no_database_takes_is_replaced() {
        let (names, _) = names(r#"[{"id":"5f","name":"Co\u0000hort"}]"#);
        assert_eq!(names, ["Co\u{fffd}hort"]);
    }
}
