//! The addresses that no agent may have, by the registries of special-purpose addresses (RFC 6890 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::Profile;

/// When an address of a range may be called after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Never,
    InDevelopment,
    WherePrivateIsAllowed,
}

use Open::{InDevelopment, Never, WherePrivateIsAllowed};

/// First match wins, so what is always blocked stands before the wider range around it.
const V4: [(Ipv4Net, &str, Open); 18] = [
    (v4([127, 0, 0, 0], 8), "loopback", InDevelopment),
    (v4([10, 0, 0, 0], 8), "private", WherePrivateIsAllowed),
    (v4([172, 16, 0, 0], 12), "private", WherePrivateIsAllowed),
    (v4([192, 168, 0, 0], 16), "private", WherePrivateIsAllowed),
    (v4([0, 0, 0, 0], 8), "this_network", Never),
    (v4([100, 64, 0, 0], 10), "shared", Never),
    // Instance metadata and task credentials of every large cloud.
    (v4([169, 254, 0, 0], 16), "link_local", Never),
    // Azure's wire server: metadata on an address that looks public.
    (v4([168, 63, 129, 16], 32), "metadata", Never),
    (v4([192, 0, 0, 0], 24), "protocol", Never),
    (v4([192, 0, 2, 0], 24), "documentation", Never),
    (v4([192, 88, 99, 0], 24), "6to4_relay", Never),
    (v4([198, 18, 0, 0], 15), "benchmarking", Never),
    (v4([198, 51, 100, 0], 24), "documentation", Never),
    (v4([203, 0, 113, 0], 24), "documentation", Never),
    (v4([233, 252, 0, 0], 24), "documentation", Never),
    (v4([224, 0, 0, 0], 4), "multicast", Never),
    (v4([255, 255, 255, 255], 32), "broadcast", Never),
    (v4([240, 0, 0, 0], 4), "reserved", Never),
];

/// The same for version 6. Mapped IPv4 addresses are looked up above; the other embeddings are blocked whole, because
/// an agent that has one can as well give the address inside it.
const V6: [(Ipv6Net, &str, Open); 19] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified", Never),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback", InDevelopment),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "ipv4_compatible", Never),
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "ipv4_translated", Never),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "nat64", Never),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "nat64", Never),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4", Never),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "teredo", Never),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation", Never),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation", Never),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol", Never),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link_local", Never),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site_local", Never),
    // Instance metadata of AWS and of Google, inside the range that a private network may use.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), "metadata", Never),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), "metadata", Never),
    (v6([0xfd00, 0, 0, 0, 0, 0, 0, 0], 8), "unique_local", WherePrivateIsAllowed),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 8), "unique_local", Never),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast", Never),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard", Never),
];

/// All of version 6 that the Internet uses. The rest is reserved until somebody says otherwise.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The label of the range that keeps `ip` from being called under `profile`, if one does.
pub(super) fn blocked(ip: IpAddr, profile: Profile) -> Option<&'static str> {
    let (label, open) = match ip.to_canonical() {
        IpAddr::V4(ip) => V4.iter().find(|(range, ..)| range.contains(&ip)).map(|row| (row.1, row.2)),
        IpAddr::V6(ip) => V6
            .iter()
            .find(|(range, ..)| range.contains(&ip))
            .map(|row| (row.1, row.2))
            .or_else(|| (!GLOBAL_UNICAST.contains(&ip)).then_some(("reserved", Never))),
    }?;
    let allowed = match open {
        Never => false,
        InDevelopment => profile.development,
        WherePrivateIsAllowed => profile.allow_private,
    };
    (!allowed).then_some(label)
}

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BOTH, DEVELOPMENT, INSIDE_VPC, PRODUCTION, reason};
    use super::super::{check_address, check_url};
    use super::*;

    #[test]
    fn each_range_is_blocked_from_its_first_to_its_last_address() {
        // Range, its first and last address, and what opens it. The last rows: a mapped IPv4 address is that IPv4 address.
        let table = "
            loopback         127.0.0.0              127.255.255.255                          development
            private          10.0.0.0               10.255.255.255                           private
            private          172.16.0.0             172.31.255.255                           private
            private          192.168.0.0            192.168.255.255                          private
            this_network     0.0.0.0                0.255.255.255                            never
            shared           100.64.0.0             100.127.255.255                          never
            link_local       169.254.0.0            169.254.255.255                          never
            link_local       169.254.169.254        169.254.170.2                            never
            metadata         168.63.129.16          168.63.129.16                            never
            protocol         192.0.0.0              192.0.0.255                              never
            documentation    192.0.2.0              192.0.2.255                              never
            6to4_relay       192.88.99.0            192.88.99.255                            never
            benchmarking     198.18.0.0             198.19.255.255                           never
            documentation    198.51.100.0           198.51.100.255                           never
            documentation    203.0.113.0            203.0.113.255                            never
            documentation    233.252.0.0            233.252.0.255                            never
            multicast        224.0.0.0              239.255.255.255                          never
            reserved         240.0.0.0              255.255.255.254                          never
            broadcast        255.255.255.255        255.255.255.255                          never
            unspecified      ::                     ::                                       never
            loopback         ::1                    ::1                                      development
            ipv4_compatible  ::2                    ::ffff:ffff                              never
            ipv4_compatible  ::127.0.0.1            ::10.0.0.1                               never
            ipv4_translated  ::ffff:0:0:0           ::ffff:0:ffff:ffff                       never
            nat64            64:ff9b::              64:ff9b::ffff:ffff                       never
            nat64            64:ff9b::169.254.169.254 64:ff9b::8.8.8.8                         never
            nat64            64:ff9b:1::            64:ff9b:1:ffff:ffff:ffff:ffff:ffff       never
            discard          100::                  100::ffff:ffff:ffff:ffff                 never
            teredo           2001::                 2001:0:ffff:ffff:ffff:ffff:ffff:ffff     never
            protocol         2001:1::               2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff   never
            documentation    2001:db8::             2001:db8:ffff:ffff:ffff:ffff:ffff:ffff   never
            documentation    3fff::                 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff   never
            6to4             2002::                 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            6to4             2002:7f00:1::          2002:a9fe:a9fe::                         never
            unique_local     fc00::                 fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            unique_local     fd00::                 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  private
            metadata         fd00:ec2::             fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff   never
            metadata         fd00:ec2::254          fd20:ce::254                             never
            link_local       fe80::                 febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            site_local       fec0::                 feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            multicast        ff00::                 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            reserved         200::                  1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            reserved         4000::                 fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  never
            private          ::ffff:10.0.0.1        ::ffff:192.168.1.1                       private
            loopback         ::ffff:127.0.0.1       ::ffff:7fff:ffff                         development
            link_local       ::ffff:169.254.169.254 ::ffff:a9fe:aa02                         never
        ";
        for row in table.lines().filter(|row| !row.trim().is_empty()) {
            let columns: Vec<_> = row.split_whitespace().collect();
            let [label, first, last, opened_by] = columns[..] else { panic!("{row}") };
            for ip in [first, last].map(|text| text.parse::<IpAddr>().unwrap()) {
                let url = match ip {
                    IpAddr::V4(ip) => format!("http://{ip}:8000"),
                    IpAddr::V6(ip) => format!("http://[{ip}]:8000"),
                };
                for profile in [PRODUCTION, DEVELOPMENT, INSIDE_VPC, BOTH] {
                    let open = match opened_by {
                        "never" => false,
                        "development" => profile.development,
                        "private" => profile.allow_private,
                        _ => panic!("{row}"),
                    };
                    let expected = if open { "ok".to_owned() } else { format!("blocked_range:{label}") };
                    assert_eq!(reason(check_address(ip, profile)), expected, "{ip} {profile:?}");
                    assert_eq!(reason(check_url(&url, profile)), expected, "{url} {profile:?}");
                }
            }
        }
    }

    #[test]
    fn the_neighbours_of_the_ranges_are_public() {
        let table = "1.0.0.0 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 \
            128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 \
            172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 \
            192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 \
            203.0.112.255 203.0.114.0 223.255.255.255 2000:: 2001:200:: 2001:db7:ffff:: 2001:db9:: \
            2003:: 2606:4700::1111 3ffe:ffff:: 3fff:1000:: ::ffff:8.8.8.8";
        for text in table.split_whitespace() {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(reason(check_address(ip, PRODUCTION)), "ok", "{text}");
        }
    }
}
