//! Where a phone that hosts is found: the addresses of this machine in its local networks.

use std::net::IpAddr;

use sotay_feed::InOrder;

/// Addresses that are shown at most; a phone has one or two.
pub const LOCAL_HOSTS_MAX: usize = 8;

/// The addresses under which others in the same network reach this machine, likeliest first: private IPv4 addresses, which a
/// hotspot gives, then other ones. None without a network.
///
/// # Errors
///
/// The operating system does not list its networks.
pub fn local_hosts() -> std::io::Result<Vec<IpAddr>> {
    let all = if_addrs::get_if_addrs()?;
    Ok(likeliest(all.iter().map(if_addrs::Interface::ip)))
}

fn likeliest(all: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    // Addresses of one link need the name of the interface, which means nothing on another machine.
    let reachable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    };
    let rank = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    };
    let mut hosts: Vec<IpAddr> = all.filter(reachable).collect();
    hosts.in_order_by_key(|ip| (rank(ip), *ip));
    hosts.dedup();
    hosts.truncate(LOCAL_HOSTS_MAX);
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(all: &[&str]) -> Vec<String> {
        let hosts = likeliest(all.iter().map(|text| text.parse().unwrap()));
        hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_hotspots_address_comes_first_and_what_nobody_reaches_is_left_out() {
        let all = [
            "127.0.0.1",
            "2001:db8::7",
            "::1",
            "fe80::1",
            "169.254.3.4",
            "203.0.113.9",
            "192.168.43.1",
            "192.168.43.1",
        ];
        assert_eq!(shown(&all), ["192.168.43.1", "203.0.113.9", "2001:db8::7"]);
        assert!(shown(&["127.0.0.1", "::1"]).is_empty());
    }

    #[test]
    fn one_address_over_the_limit_is_left_out() {
        let many: Vec<String> = (0..=LOCAL_HOSTS_MAX).map(|at| format!("10.0.0.{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(shown(&many).len(), LOCAL_HOSTS_MAX);
    }
}
