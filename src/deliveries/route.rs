//! Decides at ingest which sinks want an event, by its type alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{Name, NewEvent},
    sinks,
};

/// Every sink with the event types it wants.
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<(Name, Option<BTreeSet<String>>)>);

impl Routes {
    /// The routes to the configured sinks.
    #[must_use]
    pub fn new(sinks: &BTreeMap<Name, sinks::Config>) -> Self {
        let route = |(name, config): (&Name, &sinks::Config)| {
            let types = config
                .types
                .as_ref()
                .map(|types| types.iter().cloned().collect());
            (name.clone(), types)
        };
        Self(sinks.iter().map(route).collect())
    }

    /// The event with the sinks that want it.
    #[must_use]
    pub fn route(&self, mut event: NewEvent) -> NewEvent {
        event.sinks = self.wanted_by(event.event_type.as_deref());
        event
    }

    /// The sinks that want an event of this type. A sink with `types` wants none without a type.
    fn wanted_by(&self, event_type: Option<&str>) -> Vec<Name> {
        self.0
            .iter()
            .filter(|(_, types)| match (types, event_type) {
                (None, _) => true,
                (Some(types), Some(event_type)) => types.contains(event_type),
                (Some(_), None) => false,
            })
            .map(|(name, _)| name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_gets_the_types_it_names_or_all() {
        let sink = |types: &[&str]| sinks::Config {
            types: (!types.is_empty()).then(|| types.iter().map(ToString::to_string).collect()),
            secret: None,
            token: None,
            password: None,
        };
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let routes = Routes::new(&BTreeMap::from([
            (name("all"), sink(&[])),
            (name("jobs"), sink(&["JOB_CREATED", "JOB_MOVED"])),
        ]));
        assert_eq!(
            routes.wanted_by(Some("JOB_MOVED")),
            [name("all"), name("jobs")]
        );
        assert_eq!(routes.wanted_by(Some("JOB_DELETED")), [name("all")]);
        assert_eq!(routes.wanted_by(None), [name("all")]);
    }
}
