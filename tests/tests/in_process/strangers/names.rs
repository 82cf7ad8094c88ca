//! `X-Workspace-ID`: a name is worth what its token is worth.

use tests::api::{NOBODY, assert_same, bearer, message};
use tests::{ADMIN, Answer, Cast};

async fn send(cast: &Cast, token: &str, names: &[(&str, &str)], id: &str) -> Answer {
    let path = format!("/workspaces/{}/a2a", cast.own.id);
    let body = message(id).to_string().into_bytes();
    cast.world.raw("POST", &path, Some(token), names, &body).await
}

async fn discover(cast: &Cast, token: &str, name: &str) -> Answer {
    let path = format!("/registry/discover/{}", cast.own.id);
    cast.world.raw("GET", &path, Some(token), &[("x-workspace-id", name)], b"").await
}

#[tokio::test]
async fn names_of_the_platforms_own_are_refused_to_everyone() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for name in ["system:restart-context", "system:", "webhook:github", "test:x", "channel:telegram", " system:x "] {
        for token in [ADMIN, &cast.org, &cast.own.token, &cast.sibling.token, &cast.cousin.token] {
            let sent = send(&cast, token, &[("x-workspace-id", name)], "m").await;
            assert_eq!((sent.status, sent.code()), (403, "invalid_caller"), "{name}: {}", sent.text);
            let asked = discover(&cast, token, name).await;
            assert_eq!((asked.status, asked.code()), (403, "invalid_caller"), "{name}: {}", asked.text);
        }
        // Who is nobody is not told which names there are.
        for token in ["unknown", &cast.revoked, &cast.removed.token] {
            for answer in
                [send(&cast, token, &[("x-workspace-id", name)], "m").await, discover(&cast, token, name).await]
            {
                assert_eq!((answer.status, answer.code()), (401, "invalid_token"), "{name}: {}", answer.text);
            }
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn anothers_name_with_ones_own_token_is_refused() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for token in [&cast.sibling.token, &cast.parent.token, &cast.cousin.token, &cast.api] {
        let mine =
            [&cast.own.id, &cast.sibling.id, &cast.parent.id, &cast.cousin.id, &cast.removed.id, &NOBODY.to_owned()];
        let own = if *token == cast.sibling.token {
            &cast.sibling.id
        } else if *token == cast.parent.token {
            &cast.parent.id
        } else if *token == cast.cousin.token {
            &cast.cousin.id
        } else {
            &cast.own.id
        };
        for name in mine.into_iter().filter(|name| *name != own) {
            let sent = send(&cast, token, &[("x-workspace-id", name)], "m").await;
            assert_eq!((sent.status, sent.code()), (401, "invalid_caller"), "{name}: {}", sent.text);
            let asked = discover(&cast, token, name).await;
            assert_eq!((asked.status, asked.code()), (403, "not_your_workspace"), "{name}: {}", asked.text);
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn a_name_that_is_no_id_is_refused() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    let doubled = format!("{0},{0}", cast.own.id);
    for name in ["me", "null", "0", &doubled, &format!("{}x", cast.own.id), &"a".repeat(7000)] {
        for token in [ADMIN, &cast.own.token] {
            let sent = send(&cast, token, &[("x-workspace-id", name)], "m").await;
            assert_eq!((sent.status, sent.code()), (400, "invalid_caller"), "{name}: {}", sent.text);
            let asked = discover(&cast, token, name).await;
            assert_eq!((asked.status, asked.code()), (400, "invalid_caller"), "{name}: {}", asked.text);
        }
    }
    for name in ["", " "] {
        let asked = discover(&cast, &cast.own.token, name).await;
        assert_eq!((asked.status, asked.code()), (400, "missing_workspace_id"), "{}", asked.text);
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn the_sender_is_the_tokens_workspace_whatever_else_is_said() {
    let cast = Cast::new().await;
    let forged =
        [("x-molecule-caller", cast.cousin.id.as_str()), ("x-caller-id", &cast.cousin.id), ("from", "system:x")];
    let sent = send(&cast, &cast.sibling.token, &forged, "forged").await.expect(202);
    let path = format!("/workspaces/{}/a2a/queue/{}", cast.own.id, sent.body["queue_id"].as_str().unwrap());
    let headers = [("authorization", bearer(&cast.own.token))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = cast.world.raw("GET", &path, None, &headers, b"").await.expect(200);
    assert!(seen.body["caller"].as_str().unwrap().contains(&cast.sibling.id), "{}", seen.text);
    assert!(!seen.text.contains(&cast.cousin.id));
}
