//! The views' figures, worked out by hand from small scenes and compared on both databases.

/// Makes a test of each for each database: `sqlite::name` and `postgres::name`.
macro_rules! on_both_databases {
    ($($scene:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $scene() {
                super::$scene(crate::views::scene::Scene::on_sqlite().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $scene() {
                super::$scene(crate::views::scene::Scene::on_postgres().await).await;
            })+
        }
    };
}

mod employers;
mod fields;
mod history;
mod hunty;
mod members;
mod offers;
mod placements;
mod quality;
mod queries;
mod scene;
mod schema;
mod stages;
