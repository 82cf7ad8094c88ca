//! Bodies that are no JSON, no object, or not the object that the route reads.

use tests::Cast;
use tests::api::{Request, assert_same};

use super::refusal::{assert_refused, send, with_bodies, with_field};

/// They take a name or nothing at all.
const MAY_BE_EMPTY: [&str; 2] = ["POST /workspaces/{id}/tokens", "POST /org/tokens"];
/// It passes on what it does not read.
const SEND: &str = "POST /workspaces/{id}/a2a";

async fn all_refused(cast: &Cast, request: &Request, bodies: &[Vec<u8>]) {
    let before = cast.world.table().await;
    for body in bodies {
        let beginning = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
        let told = format!("{} with {beginning}", request.key);
        let answer = send(cast, request, &[], body).await;
        assert_refused(&answer, &told);
        assert_eq!(answer.status, 400, "{told}");
    }
    assert_same(&before, &cast.world.table().await, request.key);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let cast = Cast::new().await;
    for request in with_bodies(&cast) {
        let valid = request.body.to_string();
        let utf_16: Vec<u8> = valid.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut bodies: Vec<Vec<u8>> = [
            " ",
            "null",
            "true",
            "5",
            "-0",
            "\"text\"",
            "[]",
            "[{}]",
            "[null]",
            "{",
            "}",
            "{}}",
            "[",
            "{]",
            "nul",
            "NaN",
            "Infinity",
            "-Infinity",
            "undefined",
            "{\"a\":}",
            "{\"a\"}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":0x10}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":-Infinity}",
            "{\"a\":undefined}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "/* c */ {}",
            "{} // c",
            "{}\0",
            "\0",
            "a=b&c=d",
            "<a/>",
            "--b\r\n",
        ]
        .iter()
        .map(|body| body.as_bytes().to_vec())
        .collect();
        bodies.extend([
            format!("[{valid}]").into_bytes(),
            format!("{valid}{valid}").into_bytes(),
            format!("{valid} x").into_bytes(),
            format!("\u{feff}{valid}").into_bytes(),
            valid.as_bytes()[..valid.len() - 1].to_vec(),
            valid.as_bytes()[1..].to_vec(),
            serde_json::Value::from(valid.as_str()).to_string().into_bytes(),
            utf_16,
            vec![0xff, 0xfe],
            vec![0x80; 64],
            b"{\"\xff\":1}".to_vec(),
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec(),
        ]);
        if !MAY_BE_EMPTY.contains(&request.key) {
            bodies.push(Vec::new());
        }
        all_refused(&cast, &request, &bodies).await;
    }
}

#[tokio::test]
async fn the_values_of_the_fields_in_an_array_are_no_object() {
    let cast = Cast::new().await;
    for (key, body) in [
        ("POST /workspaces", r#"["name"]"#.to_owned()),
        ("PATCH /workspaces/{id}", r#"["name"]"#.to_owned()),
        ("POST /registry/check-access", format!(r#"["{}","{}"]"#, cast.own.id, cast.sibling.id)),
        ("POST /registry/register", format!(r#"["{}",null,{{"name":"x"}},"poll"]"#, cast.own.id)),
        ("POST /registry/update-card", format!(r#"["{}",{{"name":"x"}}]"#, cast.own.id)),
        ("POST /registry/heartbeat", format!(r#"["{}",0.9]"#, cast.own.id)),
        ("POST /workspaces/{id}/a2a/queue/{queue_id}/result", "[77,200,{}]".to_owned()),
        ("POST /workspaces/{id}/tokens", r#"["ci"]"#.to_owned()),
        ("POST /org/tokens", r#"["ci"]"#.to_owned()),
    ] {
        let request = super::refusal::request(&cast, key);
        all_refused(&cast, &request, &[body.into_bytes()]).await;
    }
}

#[tokio::test]
async fn a_field_given_twice_is_refused() {
    let cast = Cast::new().await;
    for request in with_bodies(&cast).into_iter().filter(|request| request.key != SEND) {
        let valid = request.body.to_string();
        let fields = request.body.as_object().unwrap().iter().filter(|(name, _)| *name != "template");
        let twice: Vec<_> =
            fields.map(|(name, value)| format!("{{\"{name}\":{value},{}", &valid[1..]).into_bytes()).collect();
        all_refused(&cast, &request, &twice).await;
    }
}

#[tokio::test]
async fn ten_thousand_levels_are_refused() {
    const DEEP: usize = 10_000;
    let cast = Cast::new().await;
    let arrays = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    let open = "[".repeat(DEEP);
    for request in with_bodies(&cast) {
        let mut bodies: Vec<Vec<u8>> =
            [&arrays, &open, &"{\"a\":".repeat(DEEP)].map(|body| body.as_bytes().to_vec()).into();
        // A tower in a field that nobody knows is not read at all.
        let free = ["template", "body", "register_state", "runtime_metadata", "canvas"];
        for (name, _) in request.body.as_object().unwrap().iter().filter(|(name, _)| !free.contains(&name.as_str())) {
            bodies.extend([&arrays, &objects, &open].map(|deep| with_field(&request, name, deep)));
        }
        all_refused(&cast, &request, &bodies).await;
    }
}

#[tokio::test]
async fn a_broken_string_is_refused() {
    let cast = Cast::new().await;
    for request in with_bodies(&cast) {
        let valid = request.body.to_string();
        let Some(place) = valid.find(":\"").map(|colon| colon + 2) else { continue };
        let with = |bytes: &[u8]| [&valid.as_bytes()[..place], bytes, &valid.as_bytes()[place..]].concat();
        // An overlong slash, half a character, a surrogate, a character beyond the last one, bare controls.
        let mut bodies: Vec<_> =
            [&b"\xff"[..], b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\n", b"\x1f"]
                .map(with)
                .into();
        if request.key != SEND {
            bodies.extend([&b"\\ud800"[..], b"\\udc00\\ud800", b"\\uD800x"].map(with));
        }
        all_refused(&cast, &request, &bodies).await;
    }
}
