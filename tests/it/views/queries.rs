//! The documented query of each view answers on both databases.

use super::{scene::Scene, schema::views};

on_both_databases!(every_view_has_a_query_that_answers);

const QUERIES: &str = include_str!("../../../docs/queries.sql");

/// Each with the name of its view.
fn queries() -> Vec<(&'static str, &'static str)> {
    let blocks = QUERIES.split("-- name: ").skip(1);
    blocks
        .map(|block| block.split_once('\n').expect("a name"))
        .collect()
}

async fn every_view_has_a_query_that_answers(scene: Scene) {
    let mut names: Vec<_> = queries().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let views = views(&scene).await;
    assert_eq!(names, views.keys().collect::<Vec<_>>());
    for (name, query) in queries() {
        let query = query.trim().trim_end_matches(';');
        assert!(query.contains(name), "{name} asks something else");
        scene
            .ask("count(*)", &format!("(\n{query}\n) as answer"))
            .await;
    }
}
