//! Who somebody is, and what they may do here: logins and keys are the API's own.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::refusal::Refusal;
use super::session::Session;
use crate::app::App;
use crate::auth::{AuthError, Client, Means, Role, Scope, identify, login};
use crate::store::audit::{self, Action, Actor, Target};
use crate::store::sessions;

/// What one is told whose role does not open the monitor.
pub(super) const NOT_FOR_MEMBERS: &str = "the task monitor is for editors, who may look, and for admins, who may act";

/// Somebody who is welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// The user.
    pub(super) user_id: Uuid,
    /// The user's name.
    pub(super) name: String,
    /// What they may do.
    pub(super) may: May,
    /// Where they are.
    pub(super) ip: IpAddr,
}

impl Person {
    /// The same for the audit.
    pub(super) fn actor(&self) -> Actor {
        Actor::known(self.user_id, self.name.clone(), self.ip)
    }
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    /// Look.
    Look,
    /// Look, and act.
    Act,
}

impl May {
    /// What a role may do; None when it may not even look.
    const fn of(role: Role) -> Option<Self> {
        match role {
            Role::Member => None,
            Role::Editor => Some(Self::Look),
            Role::Admin => Some(Self::Act),
        }
    }

    /// Its name, for the style.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Act => "act",
        }
    }
}

/// A session of the person to whom name (or e-mail address) and password belong.
///
/// # Errors
/// `NotLoggedIn` when they do not, `Forbidden` when the role does not open the monitor, `Busy` after too many attempts.
pub(super) async fn verify(app: &App, name: &str, password: &str, client: &Client) -> Result<Session, Refusal> {
    let grant = login::login(app, name, &SecretString::from(password), client).await?;
    let now = app.clock.now();
    let claims = app.auth.tokens.verify(grant.access_token.expose_secret(), now).ok_or(Refusal::Internal)?;
    if May::of(grant.user.role).is_none() {
        sessions::revoke(&app.db, claims.sub, claims.sid, now).await?;
        return Err(Refusal::Forbidden(NOT_FOR_MEMBERS));
    }
    Ok(Session::new(claims.sub, claims.sid, now))
}

/// Whoever brings this key of the scope `admin`, or this access token.
///
/// # Errors
/// `NotLoggedIn`, `Forbidden`; the database's.
pub(super) async fn by_credential(app: &App, credential: &str, client: &Client) -> Result<Person, Refusal> {
    let identity = identify(app, credential).await?.ok_or(Refusal::NotLoggedIn)?;
    let may = match identity.means {
        // A key opens what it was made for: it must have been made for this.
        Means::Key(_) => identity.scopes.contains(Scope::Admin).then_some(May::Act),
        Means::Session(_) => May::of(identity.role),
    };
    let may = may.ok_or(Refusal::Forbidden(NOT_FOR_MEMBERS))?;
    Ok(Person { user_id: identity.user_id, name: identity.user_name, may, ip: client.ip })
}

/// The person of a session whose login still stands.
///
/// # Errors
/// `NotLoggedIn` when it does not; the database's.
pub(super) async fn by_session(app: &App, session: &Session, client: &Client) -> Result<Person, Refusal> {
    let holder = sessions::holder(&app.db, session.login_id, session.user_id, app.clock.now()).await?;
    let holder = holder.ok_or(Refusal::NotLoggedIn)?;
    let may = May::of(holder.role).ok_or(Refusal::NotLoggedIn)?;
    Ok(Person { user_id: holder.user_id, name: holder.user_name, may, ip: client.ip })
}

/// Ends the login behind a session.
///
/// # Errors
/// The database's.
pub(super) async fn leave(app: &App, session: &Session, person: &Person) -> Result<(), AuthError> {
    let mut tx = app.db.begin().await?;
    if sessions::revoke(&mut *tx, session.user_id, session.login_id, app.clock.now()).await? {
        let detail = json!({"sessionId": session.login_id});
        audit::record(&mut *tx, &person.actor(), Action::Logout, Target::default(), detail).await?;
    }
    Ok(tx.commit().await?)
}
