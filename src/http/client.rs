//! Who has sent a request, as far as the proxies in between can be believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::networks::Networks;

/// Each proxy adds the address it got the request from at its end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: of the peer, unless that is a trusted proxy.
///
/// What a proxy we trust has added is true, and everything before that is what somebody says of himself. So the list
/// is read from its end, and the first address that is not a trusted proxy's is the client's.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while trusted.contain(client) {
        // What cannot be read, nobody we trust has written.
        match hops.next().and_then(hop) {
            Some(hop) => client = hop,
            None => return client,
        }
    }
    client
}

/// `192.0.2.1`, `2001:db8::1`, and the two with a port, as some proxies write them.
fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    Some(address.ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client, with these header lines from this peer, when `10.0.0.0/8` and `fd00::/8` are trusted.
    fn client(peer: &str, lines: &[&'static str]) -> String {
        let trusted = serde_json::from_str(r#"["10.0.0.0/8", "fd00::/8"]"#).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_is_the_client() {
        let believed = [
            (&[][..], "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.1,192.0.2.1 , 10.9.9.9"], "192.0.2.1"),
            (
                &["198.51.100.1", "192.0.2.1", "10.9.9.9, fd00::7"],
                "192.0.2.1",
            ),
            (&["198.51.100.1, 192.0.2.1", "10.9.9.9"], "192.0.2.1"),
            (&["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            (&["192.0.2.1:4711, [fd00::7]:80"], "192.0.2.1"),
            (&["2001:db8::1, [fd00::7]"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
        ];
        for (lines, expected) in believed {
            assert_eq!(client("10.0.0.1", lines), expected, "{lines:?}");
            assert_eq!(client("::ffff:10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk() {
        for garbage in [
            "unknown",
            "",
            "192.0.2.1, ",
            "192.0.2.1, _hidden",
            "192.0.2.1;",
        ] {
            assert_eq!(client("10.0.0.1", &[garbage]), "10.0.0.1", "{garbage}");
        }
        assert_eq!(
            client("10.0.0.1", &["192.0.2.1, what, 10.3.3.3"]),
            "10.3.3.3"
        );
    }
}
