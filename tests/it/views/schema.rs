//! The views are the same on both databases, described on PostgreSQL, and hold what senders write.

use std::collections::BTreeMap;

use serde_json::json;

use super::scene::Scene;

on_both_databases!(without_data_every_view_is_empty, megabytes_are_no_harm);

const SQLITE: &str = "(select views.name as view, columns.cid as place, columns.name as column_name
     from sqlite_master views join pragma_table_info(views.name) columns where views.type = 'view') as known";
const POSTGRES: &str = "(select table_name as view, ordinal_position as place, column_name
     from information_schema.columns join pg_views on viewname = table_name and schemaname = table_schema
     where table_schema = current_schema()) as known";

/// The columns of each view, in order.
pub(super) async fn views(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let catalog = if scene.is_sqlite() { SQLITE } else { POSTGRES };
    let columns = scene
        .ask(
            "view, column_name",
            &format!("{catalog} order by view, place"),
        )
        .await;
    let mut views = BTreeMap::<_, Vec<_>>::new();
    for line in columns {
        let (view, column) = line.split_once(" | ").expect("two columns");
        views
            .entry(view.to_owned())
            .or_default()
            .push(column.to_owned());
    }
    views
}

async fn without_data_every_view_is_empty(scene: Scene) {
    let views = views(&scene).await;
    assert!(views.len() > 14, "{views:?}");
    for view in views.keys() {
        assert_eq!(scene.ask("count(*)", view).await, ["0"], "{view}");
    }
}

/// No index takes a row of more than some kilobytes; what a sender writes can be longer.
async fn megabytes_are_no_harm(scene: Scene) {
    scene.fields().await;
    let long: String = (0..200_000).map(|number| number.to_string()).collect();
    let id = "x".repeat(255);
    scene
        .member_with(&id, json!({"full_name": long}), &[("Cohort", &long)])
        .await;
    let job =
        json!({"title": long, "list_name": long, "employer_id": id, "deleted_at": scene.ago(1)});
    scene.job(&id, &id, job).await;
    scene
        .row("employers", json!({"id": id, "name": long, "domain": long}))
        .await;
    let activity = json!({
        "id": id, "job_id": id, "owner_member_id": id, "category": long, "stage": "APPLY", "completed": true,
        "title": long, "event_at": scene.ago(1),
    });
    scene.row("activities", activity).await;
    let moved = json!({
        "action_id": id, "job_id": id, "member_id": id, "to_list": long, "to_stage": "APPLY", "occurred_at": scene.ago(1),
    });
    scene.row("stage_changes", moved).await;
    let action = json!({
        "id": id, "owner_member_id": id, "creator_member_id": id, "created_at": scene.ago(1), "action_type": id,
    });
    scene.row("actions", action).await;
    for view in views(&scene).await.keys() {
        scene.ask("count(*)", view).await;
    }
}

#[tokio::test]
async fn the_views_are_the_same_on_both() {
    let (sqlite, postgres) = tokio::join!(Scene::on_sqlite(), Scene::on_postgres());
    assert_eq!(views(&sqlite).await, views(&postgres).await);
}

#[tokio::test]
async fn every_view_and_column_is_described() {
    let scene = Scene::on_postgres().await;
    let undescribed = "(select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid
         where relkind = 'v' and relnamespace = 'public'::regnamespace
           and (col_description(attrelid, attnum) is null or obj_description(attrelid, 'pg_class') is null)) as it";
    let found = scene
        .ask("relname, attname", &format!("{undescribed} order by 1"))
        .await;
    assert_eq!(found, [""; 0]);
}
