use rules::WorkspaceId;
use uuid::Uuid;

use super::*;

const KEY: [u8; 32] = [7; 32];
const VALUE: &str = "the value of the secret";

fn id(number: u128) -> WorkspaceId {
    WorkspaceId::new(Uuid::from_u128(number))
}

#[tokio::test]
async fn a_value_opens_at_its_place_and_under_its_key_only() {
    let sealer = LocalSealer::new(&KEY);
    let place = Place::workspace(id(1), "KEY");
    let sealed = sealer.seal(&place, VALUE, [1; 12]).await.unwrap();
    assert!(!sealed.contains(VALUE) && sealed.starts_with("local1:"));
    assert_eq!(sealer.open(&place, &sealed).await.unwrap().expose(), VALUE);
    for other in
        [Place::workspace(id(2), "KEY"), Place::workspace(id(1), "OTHER"), Place::global(&id(1).to_string(), "KEY")]
    {
        assert_eq!(sealer.open(&other, &sealed).await.unwrap_err(), SealError::Unreadable, "{other:?}");
    }
    let other = LocalSealer::new(&[8; 32]);
    assert_eq!(other.open(&place, &sealed).await.unwrap_err(), SealError::Unreadable);
    assert_eq!(NoSealer.open(&place, &sealed).await.unwrap_err(), SealError::Unreadable);
    assert_eq!(NoSealer.seal(&place, VALUE, [1; 12]).await.unwrap_err(), SealError::NotConfigured);
}

#[tokio::test]
async fn what_was_changed_or_is_none_of_ours_does_not_open() {
    let sealer = LocalSealer::new(&KEY);
    let place = Place::global("default", "KEY");
    let sealed = sealer.seal(&place, VALUE, [1; 12]).await.unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(sealer.open(&place, &changed).await.is_err(), "changed at {at}");
        assert!(sealer.open(&place, &sealed[..at]).await.is_err(), "cut at {at}");
    }
    for text in ["", "local1:", "local1:AAAA", "local2:AAAA", VALUE] {
        assert_eq!(sealer.open(&place, text).await.unwrap_err(), SealError::Unreadable);
    }
}

#[test]
fn a_key_is_32_bytes_raw_or_as_base64() {
    let bytes = [0xfb; 32];
    for text in ["+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"] {
        assert_eq!(*parse_key(text).unwrap(), bytes, "{text}");
    }
    assert_eq!(*parse_key("0123456789abcdef0123456789abcdef").unwrap(), *b"0123456789abcdef0123456789abcdef");
    for text in ["", "short", "0123456789abcdef0123456789abcdef0", "+/v7"] {
        assert!(parse_key(text).is_none(), "{text}");
    }
}

#[tokio::test]
async fn no_debug_print_shows_a_key_or_a_value() {
    let sealer = LocalSealer::new(&KEY);
    let place = Place::global("default", "KEY");
    let sealed = sealer.seal(&place, VALUE, [1; 12]).await.unwrap();
    let opened = sealer.open(&place, &sealed).await.unwrap();
    assert_eq!(format!("{sealer:?} {opened:?}"), "LocalSealer (secret)");
}
