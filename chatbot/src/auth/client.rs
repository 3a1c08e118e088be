//! Where a request comes from, as far as logins and limits care.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

/// Characters of what a device says about itself that are kept.
const USER_AGENT_CHARS: usize = 200;
/// A provider gives at least so many bits of IPv6 to one customer.
const IPV6_NETWORK_BITS: u8 = 64;

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub ip: IpAddr,
    /// Its own words about itself, shortened.
    pub user_agent: Option<String>,
}

impl Client {
    /// A client at this address.
    #[must_use]
    pub fn new(ip: IpAddr, user_agent: Option<&str>) -> Self {
        let shorten =
            |text: &str| text.chars().filter(|character| !character.is_control()).take(USER_AGENT_CHARS).collect();
        Self { ip, user_agent: user_agent.map(shorten) }
    }

    /// By what it is counted: an IPv6 address by its network, of which every customer has a multitude.
    #[must_use]
    pub fn counted(&self) -> String {
        match self.ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => Ipv6Net::new_assert(ip, IPV6_NETWORK_BITS).trunc().to_string(),
        }
    }
}

/// The client's address: that of the connection or, behind proxies that are trusted, the last one that they did not vouch
/// for themselves. `forwarded` is `X-Forwarded-For`, to which each proxy adds at the end who called it; what stands before
/// the first of ours may be invented.
#[must_use]
pub fn address(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut client = peer.to_canonical();
    let mut hops = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
    while is_trusted(&client) {
        match hops.next().map(|hop| hop.trim().parse::<IpAddr>()) {
            Some(Ok(hop)) => client = hop.to_canonical(),
            Some(Err(_)) | None => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_that_are_trusted_say_who_the_client_is() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let table: [(&str, &[&str], &str); 10] = [
            ("203.0.113.7", &[], "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, forwarded, expected) in table {
            let found = address(peer.parse().unwrap(), forwarded, &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one_client() {
        let counted = |ip: &str| Client::new(ip.parse().unwrap(), None).counted();
        assert_eq!(counted("2001:db8::1"), counted("2001:db8::ffff:1"));
        assert_ne!(counted("2001:db8::1"), counted("2001:db8:0:1::1"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }

    #[test]
    fn what_a_device_says_of_itself_is_shortened() {
        let client = Client::new(IpAddr::from([0, 0, 0, 0]), Some(&"é\n".repeat(500)));
        assert_eq!(client.user_agent, Some("é".repeat(200)));
    }
}
