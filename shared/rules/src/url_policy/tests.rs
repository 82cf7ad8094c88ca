use super::*;

pub(super) const PRODUCTION: Profile = Profile { development: false, allow_private: false };
pub(super) const DEVELOPMENT: Profile = Profile { development: true, allow_private: false };
pub(super) const INSIDE_VPC: Profile = Profile { development: false, allow_private: true };
pub(super) const BOTH: Profile = Profile { development: true, allow_private: true };

/// `ok`, or the reason of the refusal.
pub(super) fn reason<T>(result: Result<T, UrlRefusal>) -> String {
    result.map_or_else(|refusal| refusal.reason(), |_| "ok".to_owned())
}

#[test]
fn the_default_profile_is_the_strict_one() {
    assert_eq!(Profile::default(), PRODUCTION);
}

#[test]
fn odd_spellings_of_an_address_are_the_address() {
    let table = [
        ("http://2130706433/", "loopback"),
        ("http://0x7f000001/", "loopback"),
        ("http://0x7f.1/", "loopback"),
        ("http://0177.0.0.1/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://127.0.1/", "loopback"),
        ("http://127.0.0.1./", "loopback"),
        ("http://%31%32%37.0.0.1/", "loopback"),
        ("http://１２７.０.０.１/", "loopback"),
        ("http://127。0。0。1/", "loopback"),
        ("http:127.0.0.1/", "loopback"),
        ("http:///127.0.0.1/", "loopback"),
        ("HTTP://0X7F.0X0.0X0.0X1/", "loopback"),
        ("http://0/", "this_network"),
        ("http://0x/", "this_network"),
        ("http://212851/", "this_network"),
        ("http://2852039166/", "link_local"),
        ("http://0xa9fea9fe/", "link_local"),
        ("http://0251.0376.0251.0376/", "link_local"),
        ("http://169.16689662/", "link_local"),
        ("http://0xA.0.0.1/", "private"),
        ("http://0xc0a80101/", "private"),
        ("http://4294967295/", "broadcast"),
        ("http://[::ffff:7f00:1]/", "loopback"),
        ("http://[0:0:0:0:0:FFFF:169.254.169.254]/", "link_local"),
        ("http://[0000::1]/", "loopback"),
        ("http://[::7f00:1]/", "ipv4_compatible"),
        ("http://[64:ff9b::a9fe:a9fe]/", "nat64"),
        ("http://[2002:a9fe:a9fe::]/", "6to4"),
    ];
    for (url, label) in table {
        assert_eq!(reason(check_url(url, PRODUCTION)), format!("blocked_range:{label}"), "{url}");
    }
}

#[test]
fn the_text_is_judged_before_the_host() {
    let longest = format!("https://agent.example.com/{}", "x".repeat(MAX_URL_BYTES - 26));
    let too_long = format!("{longest}x");
    let table = [
        ("https://agent.example.com/a2a", "ok"),
        ("http://agent.example.com:8000", "ok"),
        ("https://agent.example.com/a2a?tenant=7", "ok"),
        ("https://8.8.8.8/", "ok"),
        ("https://[2606:4700::1111]:8443/", "ok"),
        ("https://bücher.example/", "ok"),
        (&longest, "ok"),
        (&too_long, "parse"),
        ("", "parse"),
        (" https://agent.example.com", "parse"),
        ("https://agent.example.com\n", "parse"),
        ("https://agent.\texample.com", "parse"),
        ("https:\\\\agent.example.com", "parse"),
        ("https://good.example\\@agent.example.com", "parse"),
        ("https://agent.example.com/#", "parse"),
        ("https://agent.example.com/#top", "parse"),
        ("agent.example.com", "scheme"),
        ("agent.example.com:8000/a2a", "scheme"),
        ("//agent.example.com", "scheme"),
        ("ftp://agent.example.com", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("unix:///var/run/docker.sock", "scheme"),
        ("https://me@agent.example.com", "userinfo"),
        ("https://:secret@agent.example.com", "userinfo"),
        ("https://agent.example.com@127.0.0.1/", "userinfo"),
        ("http://", "host"),
        ("http://:8000", "host"),
        ("http://./", "host"),
        ("http://256.256.256.256/", "host"),
        ("http://1.2.3.4.5/", "host"),
        ("http://[::1", "host"),
        ("http://[fe80::1%25eth0]/", "host"),
        ("http://a b/", "parse"),
        ("http://a<b/", "host"),
        ("https://agent.example.com:0", "port"),
        ("https://agent.example.com:22", "port"),
        ("https://agent.example.com:25/", "port"),
        ("https://agent.example.com:65536", "port"),
        ("https://agent.example.com:http", "port"),
    ];
    for (text, expected) in table {
        assert_eq!(reason(check_url(text, PRODUCTION)), expected, "{text}");
    }
}

#[test]
fn localhost_is_for_development() {
    for host in ["localhost", "LOCALHOST", "localhost.", "agent.localhost", "a.b.localhost.", "%6cocalhost"] {
        let url = format!("http://{host}:8000");
        for (profile, expected) in [
            (PRODUCTION, "blocked_range:loopback"),
            (INSIDE_VPC, "blocked_range:loopback"),
            (DEVELOPMENT, "ok"),
            (BOTH, "ok"),
        ] {
            assert_eq!(reason(check_url(&url, profile)), expected, "{url} {profile:?}");
        }
    }
    for host in ["notlocalhost", "localhost.example.com"] {
        assert_eq!(reason(check_url(&format!("http://{host}/"), PRODUCTION)), "ok", "{host}");
    }
}

/// The contract: a container's hostname, a private and a link-local address are refused, with a reason.
#[test]
fn url_check_stays_strict() {
    // What register does: judge the text, resolve, judge every address. An empty answer of the resolver is a failure.
    let register = |url: &str, answer: &[&str], profile: Profile| {
        let url = check_url(url, profile)?;
        if !url.needs_resolution() {
            return Ok(());
        }
        if answer.is_empty() {
            return Err(UrlRefusal::Dns);
        }
        answer.iter().try_for_each(|ip| check_address(ip.parse().unwrap(), profile))
    };
    let table: [(&str, &[&str], &str); 9] = [
        // A container's hostname is a good URL, and resolves to nothing out here …
        ("http://212851b5693d:8000", &[], "dns"),
        // … or, inside the container network, to an address of its bridge.
        ("http://212851b5693d:8000", &["172.18.0.5"], "blocked_range:private"),
        ("http://ws-0a0b0c0d1111:8000", &["10.0.3.7"], "blocked_range:private"),
        ("http://192.168.1.20:8000", &[], "blocked_range:private"),
        ("http://169.254.169.254/latest/meta-data", &[], "blocked_range:link_local"),
        ("http://metadata.example", &["169.254.169.254"], "blocked_range:link_local"),
        ("http://127.0.0.1:8000", &[], "blocked_range:loopback"),
        // One bad address among good ones is enough.
        ("http://rebind.example", &["8.8.8.8", "::1"], "blocked_range:loopback"),
        ("http://agent.example", &["8.8.8.8", "2606:4700::1111"], "ok"),
    ];
    for (url, answer, expected) in table {
        assert_eq!(reason(register(url, answer, PRODUCTION)), expected, "{url} {answer:?}");
    }
    // Development opens loopback, and neither the network around it nor the metadata.
    assert_eq!(reason(register("http://212851b5693d:8000", &["172.18.0.5"], DEVELOPMENT)), "blocked_range:private");
    assert_eq!(reason(register("http://127.0.0.1:8000", &[], DEVELOPMENT)), "ok");
    assert_eq!(reason(register("http://169.254.169.254/", &[], BOTH)), "blocked_range:link_local");
}

#[test]
fn a_url_tells_where_to_connect() {
    let table = [
        ("https://Agent.Example.com/a2a", "agent.example.com", 443, None),
        ("http://agent.example.com", "agent.example.com", 80, None),
        ("http://8.8.8.8:8000", "8.8.8.8", 8000, Some("8.8.8.8")),
        ("http://0x08080808/", "8.8.8.8", 80, Some("8.8.8.8")),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, Some("2606:4700::1111")),
    ];
    for (text, host, port, address) in table {
        let url = check_url(text, PRODUCTION).unwrap();
        assert_eq!((url.host(), url.port()), (host, port), "{text}");
        assert_eq!(url.address(), address.map(|ip| ip.parse().unwrap()), "{text}");
        assert_eq!(url.needs_resolution(), address.is_none(), "{text}");
    }
    let url = check_url("HTTPS://Agent.example.com:443/a/../b", PRODUCTION).unwrap();
    assert_eq!(url.to_string(), "https://agent.example.com/b");
    assert_eq!(url.url().as_str(), "https://agent.example.com/b");
}

#[test]
fn a_refusal_never_repeats_what_it_refuses() {
    for text in ["http://10.11.12.13:8000/hush", "http://user:hush@h/", "hush://h", "http://h:22/hush", "hush"] {
        let refusal = check_url(text, PRODUCTION).unwrap_err();
        let said = format!("{refusal} {}", refusal.reason());
        assert!(!said.contains("hush") && !said.contains("10.11"), "{said}");
    }
}
