//! Who is asking. One authenticator for every route; it fails closed, and compares secrets in constant time.

use rules::credential::{Token, TokenKind};
use rules::{Status, TokenId, WorkspaceId};
use subtle::ConstantTimeEq;

use crate::entropy::digest;
use crate::http::Call;
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::store::{Look, Snapshot};

/// What a request shows, before the table is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// Nothing.
    None,
    /// The operator's own token, or the local operator in development.
    Admin,
    /// The digest of a token.
    Digest(String),
}

impl Bearer {
    /// The digest to look up.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Digest(digest) => Some(digest),
            _ => None,
        }
    }
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The operator.
    Admin,
    /// An operator with an org token.
    Org(TokenId),
    /// A workspace.
    Workspace(WorkspaceId),
}

impl Principal {
    /// May do what operators do.
    pub fn is_operator(&self) -> bool {
        matches!(self, Self::Admin | Self::Org(_))
    }

    /// For `created_by` and the like.
    pub fn label(&self) -> String {
        match self {
            Self::Admin => "admin-token".to_owned(),
            Self::Org(id) => format!("org-token:{id}"),
            Self::Workspace(id) => format!("workspace:{id}"),
        }
    }
}

/// How long ago a token must have been seen for its last use to be written again.
const TOUCH_AFTER: std::time::Duration = std::time::Duration::from_secs(60);

impl Platform {
    /// Reads the bearer of a request. In development, a request over loopback that names the loopback host and carries
    /// no sign of a browser or a proxy acts as the operator without one.
    pub fn bearer(&self, call: &Call) -> Bearer {
        if call.headers.contains_key("authorization") {
            let Some(token) = call.bearer() else { return Bearer::Digest(digest("")) };
            if self.config.admin_token.as_ref().is_some_and(|admin| same(&admin.0, token)) {
                return Bearer::Admin;
            }
            return Bearer::Digest(digest(token));
        }
        if self.config.development && is_local(call) { Bearer::Admin } else { Bearer::None }
    }

    /// The principal behind a bearer whose token was looked up.
    ///
    /// # Errors
    /// 401.
    pub fn principal(&self, bearer: &Bearer, token: Option<&Token>) -> Result<Principal> {
        match bearer {
            Bearer::None => Err(Problem::no_credential()),
            Bearer::Admin => Ok(Principal::Admin),
            Bearer::Digest(_) => {
                let token = token.filter(|token| token.is_live()).ok_or_else(Problem::bad_credential)?;
                match (token.kind, token.workspace_id) {
                    (TokenKind::Org, _) if token.org == self.config.org => Ok(Principal::Org(token.id)),
                    (TokenKind::Instance | TokenKind::Api, Some(id)) => Ok(Principal::Workspace(id)),
                    _ => Err(Problem::bad_credential()),
                }
            }
        }
    }

    /// The operator, by admin or org token.
    ///
    /// # Errors
    /// 401, or 403 for a workspace's token.
    pub async fn operator(&self, call: &Call) -> Result<Principal> {
        let bearer = self.bearer(call);
        let token = match bearer.digest() {
            Some(digest) => self.store.token(digest).await?,
            None => None,
        };
        let principal = self.principal(&bearer, token.as_ref())?;
        self.note_use(token.as_ref()).await;
        if principal.is_operator() { Ok(principal) } else { Err(operators_only()) }
    }

    /// The operator, or the workspace of the path itself, with what `look` reads of that workspace in the same request.
    ///
    /// # Errors
    /// 401; 403 for another workspace's token; 404 for an unknown workspace, told to operators only.
    pub async fn operator_or_self(&self, call: &Call, look: Look) -> Result<(Principal, WorkspaceId, Snapshot)> {
        let (principal, id, snapshot) = self.any_principal(call, look).await?;
        match principal {
            Principal::Workspace(own) if own != id => {
                Err(Problem::forbidden("not_your_workspace", "the token belongs to another workspace"))
            }
            _ => Ok((principal, id, snapshot)),
        }
    }

    /// The operator, with what `look` reads of the workspace in the path in the same request.
    ///
    /// # Errors
    /// 401, or 403 for a workspace's token.
    pub async fn operator_of(&self, call: &Call, look: Look) -> Result<(Principal, WorkspaceId, Snapshot)> {
        let (principal, id, snapshot) = self.any_principal(call, look).await?;
        if principal.is_operator() { Ok((principal, id, snapshot)) } else { Err(operators_only()) }
    }

    /// Any principal, with what `look` reads of the workspace in the path. A workspace's own token is worth nothing once
    /// that workspace is removed.
    ///
    /// # Errors
    /// 400 for a path id that is no UUID, after 401.
    pub async fn any_principal(&self, call: &Call, look: Look) -> Result<(Principal, WorkspaceId, Snapshot)> {
        self.principal_at(call, call.workspace_id(), look).await
    }

    /// As [`Platform::any_principal`], for a workspace that is named elsewhere than in the path. What is wrong with `id`
    /// is told once the caller is known.
    ///
    /// # Errors
    /// 401, then whatever `id` failed with.
    pub async fn principal_at(
        &self,
        call: &Call,
        id: Result<WorkspaceId>,
        look: Look,
    ) -> Result<(Principal, WorkspaceId, Snapshot)> {
        let bearer = self.bearer(call);
        if bearer == Bearer::None {
            return Err(Problem::no_credential());
        }
        let id = match id {
            Ok(id) => id,
            Err(problem) => return Err(self.to_callers(call, problem).await),
        };
        let snapshot = self.store.look(id, &look.bearer(bearer.digest())).await?;
        let principal = self.principal(&bearer, snapshot.token.as_ref())?;
        let removed = snapshot.workspace.as_ref().is_none_or(|workspace| workspace.status == Status::Removed);
        if principal == Principal::Workspace(id) && removed {
            return Err(Problem::bad_credential());
        }
        self.note_use(snapshot.token.as_ref()).await;
        Ok((principal, id, snapshot))
    }

    /// What is wrong with a request, for callers that are somebody; who is nobody hears 401 instead, and nothing about ids.
    pub async fn to_callers(&self, call: &Call, problem: Problem) -> Problem {
        let bearer = self.bearer(call);
        let token = match bearer.digest() {
            Some(digest) => self.store.token(digest).await,
            None => Ok(None),
        };
        match token.map(|token| self.principal(&bearer, token.as_ref())) {
            Ok(Ok(_)) => problem,
            Ok(Err(stranger)) => stranger,
            Err(error) => error.into(),
        }
    }

    async fn note_use(&self, token: Option<&Token>) {
        let now = self.now();
        if let Some(token) = token
            && token.is_live()
            && token.last_used_at.is_none_or(|last| now.since(last) > TOUCH_AFTER)
        {
            self.store.touch_token(token, now).await;
        }
    }
}

/// 403 for a workspace's token on an operator's route.
pub fn operators_only() -> Problem {
    Problem::forbidden("operators_only", "this needs the admin token or an org token")
}

/// Equal, in time that does not depend on where they differ.
pub fn same(left: &str, right: &str) -> bool {
    // Digests have one length, so the comparison tells nothing about the secret's own.
    digest(left).as_bytes().ct_eq(digest(right).as_bytes()).into()
}

/// Headers of a browser's page or of a proxy. What a person types into a browser has `Sec-Fetch-Site: none`, and no page
/// can send that.
fn is_local(call: &Call) -> bool {
    const SIGNS: [&str; 5] = ["origin", "referer", "forwarded", "x-real-ip", "via"];
    let loopback = call.source.is_some_and(|source| source.is_loopback());
    let host = call.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let passed_on = |name: &str| SIGNS.contains(&name) || name.starts_with("x-forwarded-");
    let from_a_page = call.headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    loopback
        && matches!(name, "localhost" | "127.0.0.1")
        && !from_a_page
        && !call.headers.keys().any(|name| passed_on(name.as_str()))
}
