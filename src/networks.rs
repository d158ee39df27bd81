//! Networks as they are listed in the configuration, and who is in them.

use std::{net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, de::Error};

/// A list of networks and single addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Networks(Vec<Network>);

#[derive(Debug, Clone)]
struct Network(IpNet);

impl Networks {
    /// Whether the list names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in one of them. An IPv4 address is one however it is written.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| {
            D::Error::custom(
                "is not a network like \"10.0.0.0/8\" or \"2001:db8::/32\", nor an address",
            )
        })
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let network = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| ())?;
        Ok(Self(as_v4(network).unwrap_or(network)))
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn as_v4(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(network) = network else {
        return None;
    };
    let address = network.addr().to_ipv4_mapped()?;
    let length = network.prefix_len().checked_sub(96)?;
    Some(Ipv4Net::new(address, length).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks(list.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_in_its_network_however_it_is_written() {
        let list = networks(&[
            "10.0.0.0/8",
            "192.0.2.7",
            "2001:db8::/32",
            "::ffff:172.16.0.0/108",
        ]);
        for inside in [
            "10.255.0.1",
            "::ffff:10.0.0.1",
            "192.0.2.7",
            "2001:db8:1::1",
            "172.31.0.1",
        ] {
            assert!(list.contain(address(inside)), "{inside}");
        }
        for outside in [
            "11.0.0.1",
            "::ffff:11.0.0.1",
            "192.0.2.8",
            "2001:db9::",
            "::1",
        ] {
            assert!(!list.contain(address(outside)), "{outside}");
        }
    }

    #[test]
    fn everybody_and_nobody_can_be_written_too() {
        assert!(networks(&["0.0.0.0/0"]).contain(address("::ffff:198.51.100.1")));
        assert!(!networks(&["0.0.0.0/0"]).contain(address("2001:db8::1")));
        assert!(!networks(&[]).contain(address("127.0.0.1")));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in [
            "",
            "localhost",
            "10.0.0.0/33",
            "10.0.0",
            "10.0.0.1:80",
            "fe80::1%eth0",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
