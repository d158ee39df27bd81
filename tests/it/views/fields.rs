//! Which of an organisation's own fields mean something to the views.

use huntr_receiver::store::Store;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use super::scene::Scene;
use crate::support::Setup;

on_both_databases!(
    a_field_is_named_as_people_do,
    an_id_works_at_once,
    without_settings_nobody_has_a_cohort,
);

async fn cohort(scene: &Scene) -> Vec<String> {
    scene.ask("cohort", "member_profiles").await
}

async fn set(store: &dyn Store, field: &str) {
    let set = store.set_tables_settings(&[("cohort_field", field)]).await;
    set.expect("set");
}

async fn a_field_is_named_as_people_do(scene: Scene) {
    scene.fields().await;
    scene
        .member("ada", &[("Cohort", " Spring "), ("Program", "Data")])
        .await;
    for (field, expected) in [
        ("Cohort", "Spring"),
        (" cohort ", "Spring"),
        ("PROGRAM", "Data"),
        ("City", "-"),
    ] {
        set(scene.store(), field).await;
        assert_eq!(cohort(&scene).await, [expected], "{field}");
    }
}

async fn an_id_works_at_once(scene: Scene) {
    let held = json!({"member_id": "ada", "field_id": "5eb0", "value_text": "Spring"});
    scene.row("member_field_values", held).await;
    scene.member("ada", &[]).await;
    set(scene.store(), "Cohort").await;
    assert_eq!(cohort(&scene).await, ["-"]);
    set(scene.store(), "5eb0").await;
    assert_eq!(cohort(&scene).await, ["Spring"]);
}

async fn without_settings_nobody_has_a_cohort(scene: Scene) {
    scene
        .row(
            "member_fields",
            json!({"id": "field-cohort", "name": "Cohort"}),
        )
        .await;
    scene.member("ada", &[("Cohort", "Spring")]).await;
    assert_eq!(cohort(&scene).await, ["-"]);
}

/// From the start on, and what the configuration says now.
#[tokio::test]
async fn the_receiver_tells_the_views_at_its_start() {
    let mut setup = Setup::sqlite();
    for (options, expected) in [
        ("", "Cohort"),
        ("[tables]\ncohort_field = \"Class\"\n", "Class"),
    ] {
        setup = setup.config(options);
        let mut receiver = setup.start();
        receiver.terminate();
        assert!(receiver.wait().success());
        let url = setup.database_url();
        let mut connection = SqliteConnection::connect(&url).await.expect("connected");
        let query = "select value from tables_settings where name = 'cohort_field'";
        let told: String = sqlx::query_scalar(query)
            .fetch_one(&mut connection)
            .await
            .expect("a setting");
        assert_eq!(told, expected);
    }
}
