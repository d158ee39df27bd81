//! Counts words as labels of one metric, and looks each word's counter up only once.

use std::sync::OnceLock;

use metrics::{Counter, counter};

/// A counter for each of some words, as a label. The words are few; each is looked up when it first occurs.
pub(super) struct Tally {
    metric: &'static str,
    source: String,
    label: &'static str,
    counters: [OnceLock<(&'static str, Counter)>; MOST_WORDS],
}

/// As many different words are looked up once only.
const MOST_WORDS: usize = 24;

impl Tally {
    /// Counters of this metric for a source; the word stands in `label`.
    pub(super) fn new(metric: &'static str, source: &str, label: &'static str) -> Self {
        Self {
            metric,
            source: source.to_owned(),
            label,
            counters: [const { OnceLock::new() }; MOST_WORDS],
        }
    }

    /// One more for this word.
    pub(super) fn count(&self, word: &'static str) {
        for counter in &self.counters {
            let (known, counter) = counter.get_or_init(|| (word, self.look_up(word)));
            if *known == word {
                return counter.increment(1);
            }
        }
        self.look_up(word).increment(1);
    }

    fn look_up(&self, word: &'static str) -> Counter {
        counter!(self.metric, "source" => self.source.clone(), self.label => word)
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_word_has_its_counter_however_many_there_are() {
        let words: Vec<&'static str> = "abcdefghijklmnopqrstuvwxyz"
            .split_inclusive(|_| true)
            .collect();
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let tally = Tally::new("requests", "a", "outcome");
            for _ in 0..3 {
                for word in &words {
                    tally.count(word);
                }
            }
        });
        assert!(words.len() > MOST_WORDS);
        for word in words {
            let line = format!("requests{{source=\"a\",outcome=\"{word}\"}} 3");
            assert!(handle.render().contains(&line), "{line}");
        }
    }
}
