//! Posts as the vendors do: over kept connections, in their time, some again until they are taken.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet, time::MissedTickBehavior};

use super::{
    account::{Account, Answer, Outcome},
    mail::{Letter, Mail, Posting},
    scenario::{Part, Scenario, chance},
};
use crate::support::{KEY, SIGNATURE, client, sign};

/// As many posts as are under way at once.
const UNDER_WAY: usize = 128;
/// Hunty waits 10 s to 10 minutes between its tries; what matters here is that it tries again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Posts, and takes down what became of it.
pub(super) struct Postman {
    client: reqwest::Client,
    address: SocketAddr,
    begun: Instant,
    pub(super) account: Mutex<Account>,
}

impl Postman {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            client: client(),
            address,
            begun: Instant::now(),
            account: Mutex::default(),
        }
    }

    /// Posts for as long as the scenario says; what is tried again goes on until it is taken.
    pub(super) async fn deliver(self: &Arc<Self>, scenario: &Scenario) {
        let (mut mail, mut pauses) = (
            Mail::new(scenario.seed),
            chance(scenario.seed, Part::Pauses),
        );
        let places = Arc::new(Semaphore::new(UNDER_WAY));
        let mut due = tokio::time::interval(Duration::from_secs(1) / scenario.rate);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = Instant::now();
        let mut posts = JoinSet::new();
        while begun.elapsed() < scenario.length {
            due.tick().await;
            let copies = match mail.next() {
                Posting::Once(letter) => vec![letter],
                Posting::Twice(letter) => vec![letter.clone(), letter],
                Posting::Stranger(stranger) => {
                    let postman = Arc::clone(self);
                    posts.spawn(async move {
                        stranger
                            .try_at(&postman.client, postman.address, &postman.account)
                            .await;
                    });
                    continue;
                }
            };
            for letter in copies {
                let place = Arc::clone(&places).acquire_owned().await;
                let (postman, pauses) = (Arc::clone(self), pauses.random());
                posts.spawn(async move {
                    postman.insist(&letter, pauses).await;
                    drop(place);
                });
            }
            while let Some(post) = posts.try_join_next() {
                post.expect("a post");
            }
        }
        while let Some(post) = posts.join_next().await {
            post.expect("a post");
        }
    }

    async fn insist(&self, letter: &Letter, pauses: u64) {
        let mut pauses = ChaCha8Rng::seed_from_u64(pauses);
        let mut limit = FIRST_PAUSE;
        for _ in 0..letter.tries {
            self.account.lock().expect("the account").sends(letter);
            let outcome = self.post(letter).await;
            if self
                .account
                .lock()
                .expect("the account")
                .answered(letter, &outcome)
            {
                return;
            }
            tokio::time::sleep(pauses.random_range(limit / 2..limit)).await;
            limit = LONGEST_PAUSE.min(limit * 2);
        }
    }

    async fn post(&self, letter: &Letter) -> Outcome {
        let url = format!("http://{}/webhooks/{}", self.address, letter.source);
        let request = self.client.post(url).body(letter.body.clone());
        let request = if letter.source == "huntr" {
            request.header(SIGNATURE, sign(&letter.body))
        } else {
            request.header("x-auth-api-key", KEY)
        };
        let posted = Instant::now();
        match request.send().await {
            Ok(response) => self.read(response, posted).await,
            Err(error) => self.unanswered(&error, posted),
        }
    }

    async fn read(&self, response: reqwest::Response, posted: Instant) -> Outcome {
        let status = response.status().as_u16();
        let says_when_to_retry = response.headers().contains_key("retry-after");
        let json: Value = match response.json().await {
            Ok(json) => json,
            Err(error) => return self.unanswered(&error, posted),
        };
        let said = json["status"].as_str().or(json["error"]["code"].as_str());
        Outcome::Answered(Answer {
            status,
            said: said.unwrap_or_default().to_owned(),
            event: json["event"].as_i64(),
            says_when_to_retry,
            after: posted.elapsed(),
        })
    }

    fn unanswered(&self, error: &reqwest::Error, posted: Instant) -> Outcome {
        if !error.is_timeout() {
            return Outcome::Broken;
        }
        Outcome::Silent {
            at: posted - self.begun,
            error: format!("{error:?}"),
        }
    }
}
