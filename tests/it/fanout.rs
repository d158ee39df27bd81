//! From the 200 to the sinks, with the real program: nothing is lost, whatever breaks.

mod answers;
mod audit;
mod breaker;
mod by_hand;
mod chaos;
pub(crate) mod database;
mod hanging;
pub(crate) mod hook;
mod kills;
mod order;
mod outages;
mod places;
mod proxy;
mod rebuild;
mod replicas;
mod side_by_side;
mod stopping;
mod typed;
mod volume;
mod wanted;

use futures_util::{StreamExt, stream};

use self::{database::Database, hook::Hook};
use crate::support::{Running, action, until};

/// As many posts as a busy sender has under way.
const SENDERS: usize = 32;

/// Failed deliveries come again soon.
const SOON: &str = r#"retry = { initial = "20ms", max = "200ms" }"#;

/// A test on each of the two stores.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::support::Setup::sqlite()).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::support::Setup::postgres().await).await;
                }
            )*
        }
    };
}
use on_both_stores;

/// Tells a number that is looked at, and not asserted: `cargo test -- --nocapture` shows it.
macro_rules! report {
    ($($text:tt)*) => { super::print(&format!($($text)*)) };
}
use report;

#[expect(clippy::print_stdout, reason = "it is for who runs the test")]
fn print(text: &str) {
    println!("{text}");
}

/// The ids of so many events, told apart by a word.
fn ids(word: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{word}-{number}"))
        .collect()
}

/// Posts events with these ids to the receivers in turn, many at once; each gets its 200.
async fn post_all(receivers: &[&Running], ids: &[String]) {
    let posts = ids.iter().zip(receivers.iter().cycle());
    let posts = posts.map(|(id, receiver)| async move {
        let answer = receiver.post_signed(action(id)).await;
        assert_eq!((answer.status, answer.said()), (200, "stored"), "{id}");
    });
    stream::iter(posts)
        .buffer_unordered(SENDERS)
        .collect::<()>()
        .await;
}

/// Waits until every delivery is made, and checks that the books are in order.
async fn all_delivered(database: &mut Database) {
    none_left(database, "state <> 'delivered'").await;
    database.is_consistent().await;
}

/// Waits until there is no delivery of which this is true.
async fn none_left(database: &mut Database, condition: &str) {
    let sql = format!("select count(*) from deliveries where {condition}");
    until(async || (database.number(&sql).await == 0).then_some(())).await;
}

/// So many events, or as many as `FANOUT_EVENTS` in the environment says.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's environment is the developer's"
)]
fn how_many(usually: usize) -> usize {
    let events = std::env::var("FANOUT_EVENTS").ok();
    events.map_or(usually, |events| events.parse().expect("a number"))
}
