//! Decides at ingest which sinks want an event, by its type alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{Name, NewDelivery, NewEvent},
    providers::reading,
    sinks::{self, OrderBy},
};

/// Every sink, with what decides at ingest about its deliveries.
#[derive(Debug, Clone, Default)]
pub struct Routes(BTreeMap<Name, Route>);

#[derive(Debug, Clone)]
struct Route {
    /// The event types it wants; all when there are none.
    types: Option<BTreeSet<String>>,
    order_by: Option<OrderBy>,
}

impl Routes {
    /// The routes to the configured sinks, and to the typed tables if they are wanted.
    #[must_use]
    pub fn new(sinks: &BTreeMap<Name, sinks::Config>, with_tables: bool) -> Self {
        let route = |(name, config): (&Name, &sinks::Config)| {
            let route = Route {
                types: config.common.types.clone(),
                order_by: config.common.order_by,
            };
            (name.clone(), route)
        };
        let mut routes: BTreeMap<_, _> = sinks.iter().map(route).collect();
        if with_tables {
            let everything = Route {
                types: None,
                order_by: None,
            };
            routes.insert(Name::tables(), everything);
        }
        Self(routes)
    }

    /// Whether there is such a sink.
    #[must_use]
    pub fn has(&self, sink: &str) -> bool {
        self.0.contains_key(sink)
    }

    /// The sinks' names.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }

    /// Each sink with the types that it wants; with none, it wants all.
    pub fn types(&self) -> impl Iterator<Item = (&Name, Option<&BTreeSet<String>>)> {
        let routes = self.0.iter();
        routes.map(|(name, route)| (name, route.types.as_ref()))
    }

    /// The event with deliveries to the sinks that want it.
    #[must_use]
    pub fn route(&self, mut event: NewEvent) -> NewEvent {
        let wants = |(_, route): &(&Name, &Route)| route.wants(event.event_type.as_deref());
        let delivery = |(name, route): (&Name, &Route)| NewDelivery {
            sink: name.clone(),
            order_key: route.order_key(event.provider, &event.body),
            lease: None,
        };
        event.deliveries = self.0.iter().filter(wants).map(delivery).collect();
        event
    }

    /// Whether the sink wants events of this type. A sink with `types` wants none without a type.
    #[must_use]
    pub fn wants(&self, sink: &Name, event_type: Option<&str>) -> bool {
        let route = self.0.get(sink);
        route.is_some_and(|route| route.wants(event_type))
    }

    /// Whether the sink wants the deliveries about one thing one after the other.
    #[must_use]
    pub fn is_in_order(&self, sink: &Name) -> bool {
        let route = self.0.get(sink);
        route.is_some_and(|route| route.order_by.is_some())
    }

    /// What an event is about, if the sink wants order.
    #[must_use]
    pub fn order_key(&self, sink: &Name, provider: &str, body: &[u8]) -> Option<String> {
        self.0.get(sink)?.order_key(provider, body)
    }
}

impl Route {
    fn wants(&self, event_type: Option<&str>) -> bool {
        match (&self.types, event_type) {
            (None, _) => true,
            (Some(types), Some(event_type)) => types.contains(event_type),
            (Some(_), None) => false,
        }
    }

    fn order_key(&self, provider: &str, body: &[u8]) -> Option<String> {
        match self.order_by? {
            OrderBy::Entity => reading(provider).entity(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_gets_the_types_it_names_or_all() {
        let route = |types: &[&str]| Route {
            types: (!types.is_empty()).then(|| types.iter().map(ToString::to_string).collect()),
            order_by: None,
        };
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let routes = Routes(BTreeMap::from([
            (name("all"), route(&[])),
            (name("jobs"), route(&["JOB_CREATED", "JOB_MOVED"])),
        ]));
        let wanted_by = |event_type| {
            let names = [name("all"), name("jobs"), name("unknown")];
            names.map(|sink| routes.wants(&sink, event_type))
        };
        assert_eq!(wanted_by(Some("JOB_MOVED")), [true, true, false]);
        assert_eq!(wanted_by(Some("JOB_DELETED")), [true, false, false]);
        assert_eq!(wanted_by(None), [true, false, false]);
    }
}
