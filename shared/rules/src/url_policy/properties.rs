use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::tests::{BOTH, DEVELOPMENT, INSIDE_VPC, PRODUCTION, reason};
use super::{check_address, check_url};

/// The blocked IPv4 addresses by their numbers, stated without the table.
fn is_special(ip: Ipv4Addr) -> bool {
    matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
    )
}

/// Any IPv4 address, the special ones as often as the others.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let special = prop::sample::select(
        "0.0 10.0 100.64 100.127 127.0 169.254 172.16 172.31 192.0 192.168 198.18 198.51 203.0 224.0 255.255"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from),
        (special, any::<u8>(), any::<u8>()).prop_map(|(start, c, d)| format!("{start}.{c}.{d}").parse().unwrap()),
    ]
}

/// A number as a URL may spell it: decimal, octal or hexadecimal, with leading zeros where they change nothing.
fn spelt(number: u32, style: u8) -> String {
    match style % 5 {
        0 => number.to_string(),
        1 => format!("0{number:o}"),
        2 => format!("0x{number:x}"),
        3 => format!("0X{number:08X}"),
        _ => format!("000{number:o}"),
    }
}

/// One of the spellings of an IPv4 address as a URL's host, with one to four parts.
fn host(ip: Ipv4Addr, form: u8, styles: [u8; 4]) -> String {
    let [a, b, c, d] = ip.octets().map(u32::from);
    let parts = match form % 8 {
        0 => vec![a, b, c, d],
        1 => vec![a, b, c << 8 | d],
        2 => vec![a, b << 16 | c << 8 | d],
        3 => vec![u32::from(ip)],
        4 => return format!("[{}]", ip.to_ipv6_mapped()),
        5 => return format!("[::ffff:{:x}:{:x}]", a << 8 | b, c << 8 | d),
        6 => {
            return ip.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
        }
        _ => {
            let wide = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(0xff10 + digit)).unwrap_or(c);
            return ip.to_string().chars().map(wide).collect();
        }
    };
    let parts: Vec<_> = parts.into_iter().zip(styles).map(|(part, style)| spelt(part, style)).collect();
    parts.join(".")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_special_v4_address_passes_in_production_however_it_is_spelt(
        ip in any_v4(),
        form in any::<u8>(),
        styles in any::<[u8; 4]>(),
    ) {
        let url = format!("http://{}:8000/", host(ip, form, styles));
        let outcome = reason(check_url(&url, PRODUCTION));
        prop_assert_eq!(outcome != "ok", is_special(ip), "{} {}", url, outcome);
        prop_assert_eq!(outcome, reason(check_address(ip.into(), PRODUCTION)));
    }

    #[test]
    fn no_ipv6_address_that_embeds_a_special_v4_address_passes(
        ip in any_v4().prop_filter("special", |ip| is_special(*ip)),
        tail in any::<u64>(),
    ) {
        let v4 = u128::from(u32::from(ip));
        let embeddings = [
            v4,
            0xffff << 32 | v4,
            0xffff << 48 | v4,
            0x0064_ff9b << 96 | v4,
            0x2002 << 112 | v4 << 80 | u128::from(tail),
            0x2001 << 112 | v4 << 64 | u128::from(tail),
        ];
        for bits in embeddings {
            let ip = Ipv6Addr::from(bits);
            prop_assert!(check_address(ip.into(), PRODUCTION).is_err(), "{}", ip);
        }
    }

    #[test]
    fn outside_global_unicast_nothing_passes(bits in any::<u128>()) {
        let ip = Ipv6Addr::from(bits);
        if check_address(ip.into(), PRODUCTION).is_ok() && ip.to_ipv4_mapped().is_none() {
            prop_assert_eq!(ip.segments()[0] & 0xe000, 0x2000);
        }
    }

    #[test]
    fn a_looser_profile_only_ever_allows_more(bits in any::<u128>(), v4 in any_v4()) {
        for ip in [IpAddr::from(Ipv6Addr::from(bits)), IpAddr::from(v4)] {
            if check_address(ip, PRODUCTION).is_ok() {
                for profile in [DEVELOPMENT, INSIDE_VPC, BOTH] {
                    prop_assert!(check_address(ip, profile).is_ok());
                }
            }
        }
    }

    #[test]
    fn what_is_accepted_is_accepted_again_and_the_same(text in "https?://[a-z0-9.:%@/\\[\\]\\\\?#-]{1,40}") {
        if let Ok(url) = check_url(&text, PRODUCTION) {
            prop_assert_eq!(check_url(url.url().as_str(), PRODUCTION), Ok(url));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = check_url(&text, BOTH);
    }
}
