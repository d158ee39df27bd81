//! The organisation's own fields, and the options that the views read.

use huntr_receiver::{
    domain::{MemberField, MemberFields},
    store::{Imported, Store},
};

use super::{
    database::Database,
    samples::{at, name},
};

on_both_stores!(
    settings_are_kept_as_they_were_set_last,
    what_is_not_in_the_whole_list_is_deleted,
    a_page_deletes_nothing,
    a_field_comes_back,
    sources_have_their_own_fields,
);

fn fields(names: &[(&str, &str)], are_all: bool) -> MemberFields {
    let field = |(id, name): &(&str, &str)| MemberField {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        field_type: Some("MULTIPLE_CHOICE".into()),
        choices: Some(r#"["a","b"]"#.into()),
        employer_partner_can_view: Some(false),
        job_seeker_can_edit: None,
    };
    MemberFields {
        fields: names.iter().map(field).collect(),
        are_all,
    }
}

async fn import(
    store: &dyn Store,
    source: &str,
    fields: &MemberFields,
    time: i64,
) -> (usize, usize) {
    let imported = store.import_fields(&name(source), fields, at(time)).await;
    let Imported { added, removed } = imported.expect("imported");
    (added, removed)
}

async fn settings_are_kept_as_they_were_set_last(store: &dyn Store, database: &Database) {
    for settings in [
        &[("a", "1"), ("b", "2")][..],
        &[("a", "1"), ("b", "3")],
        &[("b", "4")],
        &[],
    ] {
        store.set_tables_settings(settings).await.expect("set");
    }
    let kept: Vec<String> = database
        .column("select name || ' ' || value from tables_settings order by name")
        .await;
    assert_eq!(kept, ["a 1", "b 4"]);
}

/// What is there, and since when; a minus for what is deleted.
async fn known(database: &Database) -> Vec<String> {
    database
        .column(
            "select case when deleted_at is null then '' else '-' end || source || ' ' || id || ' ' || name
             from member_fields order by source, id",
        )
        .await
}

async fn what_is_not_in_the_whole_list_is_deleted(store: &dyn Store, database: &Database) {
    let two = fields(&[("1", "Cohort"), ("2", "Graduation")], true);
    assert_eq!(import(store, "huntr", &two, 0).await, (2, 0));
    assert_eq!(import(store, "huntr", &two, 1).await, (0, 0));
    let other = fields(&[("1", "Class"), ("3", "Program")], true);
    assert_eq!(import(store, "huntr", &other, 2).await, (1, 1));
    assert_eq!(
        known(database).await,
        ["huntr 1 Class", "-huntr 2 Graduation", "huntr 3 Program"]
    );
    let times: Vec<chrono::DateTime<chrono::Utc>> = database
        .column("select first_seen_at from member_fields order by id")
        .await;
    assert_eq!(times, [at(0), at(0), at(2)]);
}

async fn a_page_deletes_nothing(store: &dyn Store, database: &Database) {
    import(store, "huntr", &fields(&[("1", "Cohort")], true), 0).await;
    let page = fields(&[("2", "Graduation")], false);
    assert_eq!(import(store, "huntr", &page, 1).await, (1, 0));
    assert_eq!(
        known(database).await,
        ["huntr 1 Cohort", "huntr 2 Graduation"]
    );
}

async fn a_field_comes_back(store: &dyn Store, database: &Database) {
    let one = fields(&[("1", "Cohort")], true);
    import(store, "huntr", &one, 0).await;
    assert_eq!(import(store, "huntr", &fields(&[], true), 1).await, (0, 1));
    assert_eq!(known(database).await, ["-huntr 1 Cohort"]);
    assert_eq!(import(store, "huntr", &one, 2).await, (1, 0));
    assert_eq!(known(database).await, ["huntr 1 Cohort"]);
}

async fn sources_have_their_own_fields(store: &dyn Store, database: &Database) {
    import(store, "eu", &fields(&[("1", "Cohort")], true), 0).await;
    import(store, "us", &fields(&[("1", "Class")], true), 0).await;
    import(store, "eu", &fields(&[], true), 1).await;
    assert_eq!(known(database).await, ["-eu 1 Cohort", "us 1 Class"]);
}
