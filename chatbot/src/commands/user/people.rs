//! `chatbot user create | list | password | role | disable | enable`.

use std::process::ExitCode;

use serde_json::json;
use sqlx::PgPool;

use super::{find, password};
use crate::{
    auth::people::{Change, Newcomer, People},
    cli::CreateUser,
    commands::{CommandError, output},
    store::{
        audit::Actor,
        users::{self, User},
    },
};

/// Users that `list` shows; the API pages through all.
const LISTED: i64 = 1000;

pub(super) async fn create(people: People<'_>, options: CreateUser) -> Result<ExitCode, CommandError> {
    let CreateUser { name, email, role, password_stdin } = options;
    let password = if password_stdin { Some(password::read()?) } else { None };
    let newcomer = Newcomer { name, email, role, password };
    let user = people.create(&Actor::COMMAND_LINE, &newcomer).await?;
    output::line(&format!("{}  {}", user.id, user.name));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn set_password(people: People<'_>, name: &str) -> Result<ExitCode, CommandError> {
    find(people.db, name).await?;
    let password = Some(password::ask_or_read()?);
    change(people, name, Change { password, ..Change::default() }).await
}

pub(super) async fn change(people: People<'_>, name: &str, change: Change) -> Result<ExitCode, CommandError> {
    let user = find(people.db, name).await?;
    let user = people.change(&Actor::COMMAND_LINE, user.id, change).await?;
    output::line(&row(&user));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list(db: &PgPool, as_json: bool) -> Result<ExitCode, CommandError> {
    let users = users::list(db, None, LISTED).await?;
    if as_json {
        let documents: Vec<_> = users.iter().map(document).collect();
        output::line(&output::json(&documents));
    } else {
        for user in &users {
            output::line(&row(user));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(user: &User) -> String {
    let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
    let email = user.email.as_deref().unwrap_or("-");
    format!("{}  {:<8}  {state:<8}  {:<24}  {email}", user.id, user.role.as_str(), user.name)
}

fn document(user: &User) -> serde_json::Value {
    json!({
        "id": user.id, "name": user.name, "email": user.email, "role": user.role, "createdAt": user.created_at,
        "disabledAt": user.disabled_at,
    })
}
