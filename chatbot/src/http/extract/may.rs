//! What a handler demands of its caller: `May { caller, .. }: May<Chat>`. The rights are types, so that a handler cannot be
//! written that forgets to look; the OpenAPI document names them, and a test compares the two for every route.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use uuid::Uuid;

use super::caller::{Caller, known};
use crate::app::App;
use crate::auth::{Client, Means, Role, Scope};
use crate::http::problem::Problem;
use crate::store::audit::Actor;

/// A caller who has the right `R`.
pub(in crate::http) struct May<R> {
    pub(in crate::http) caller: Caller,
    /// The same, for the audit.
    pub(in crate::http) actor: Actor,
    right: PhantomData<fn() -> R>,
}

/// Something that not everybody may.
pub(in crate::http) trait Right {
    /// The scope that it takes.
    const SCOPE: Scope;
    /// Who may it, whatever the key.
    const ROLES: &[Role] = &[Role::Member, Role::Editor, Role::Admin];
}

/// Questions, answers and conversations.
pub(in crate::http) struct Chat;
/// Reading and searching documents.
pub(in crate::http) struct ReadDocuments;
/// Uploading and deleting documents.
pub(in crate::http) struct WriteDocuments;
/// Looking after people.
pub(in crate::http) struct Administer;

impl Right for Chat {
    const SCOPE: Scope = Scope::Chat;
}

impl Right for ReadDocuments {
    const SCOPE: Scope = Scope::DocumentsRead;
}

impl Right for WriteDocuments {
    const SCOPE: Scope = Scope::DocumentsWrite;
}

impl Right for Administer {
    const SCOPE: Scope = Scope::Admin;
    const ROLES: &[Role] = &[Role::Admin];
}

impl<S: Send + Sync, R: Right> FromRequestParts<S> for May<R>
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let (identity, client) = known(parts, &App::from_ref(state)).await?;
        let caller = Caller::from(&identity);
        demand::<R>(&caller)?;
        let actor = Actor::known(identity.user_id, identity.user_name, client.ip);
        Ok(Self { caller, actor, right: PhantomData })
    }
}

fn demand<R: Right>(caller: &Caller) -> Result<(), Problem> {
    if !R::ROLES.contains(&caller.role) {
        let roles: Vec<&str> = R::ROLES.iter().map(|role| role.as_str()).collect();
        let detail = format!("this is for the role {}; yours is {}", roles.join(" or "), caller.role);
        return Err(Problem::Forbidden(detail));
    }
    if !caller.scopes.contains(R::SCOPE) {
        let detail = format!("this key lacks the scope {}: make one that has it", R::SCOPE);
        return Err(Problem::Forbidden(detail));
    }
    Ok(())
}

/// A caller who logged in. A key does not do: who stole one could make themselves another, and stay for ever.
pub(in crate::http) struct LoggedIn {
    pub(in crate::http) caller: Caller,
    pub(in crate::http) session_id: Uuid,
    pub(in crate::http) client: Client,
    /// The same, for the audit.
    pub(in crate::http) actor: Actor,
}

impl<S: Send + Sync> FromRequestParts<S> for LoggedIn
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let (identity, client) = known(parts, &App::from_ref(state)).await?;
        let Means::Session(session_id) = identity.means else {
            let detail = "a key does not do here: log in at /api/v1/auth/login";
            return Err(Problem::Forbidden(detail.to_owned()));
        };
        let caller = Caller::from(&identity);
        let actor = Actor::known(identity.user_id, identity.user_name, client.ip);
        Ok(Self { caller, session_id, client, actor })
    }
}
