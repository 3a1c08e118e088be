//! Undoes what one release's migrations did, newest first, and nothing else.

#[cfg(test)]
mod tests;

use sqlx::postgres::PgConnectOptions;

use super::{
    Kind, MigrateError, Migration,
    locks::{self, Done, Step},
    marks::{self, Applied},
    run,
};

/// What came of a downgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Labels of what was reverted, newest first.
    pub reverted: Vec<String>,
    /// One sentence for people.
    pub message: String,
}

/// What is to be undone.
#[derive(Clone, Copy, Debug)]
pub struct Undo<'a> {
    /// The release whose migrations are meant.
    pub release: &'a str,
    /// Newest version that another release needs: it and older ones stay, though the release applied them when it served before.
    pub above: Option<i64>,
    /// Whether to stop at what would take data away.
    pub lossless: bool,
}

/// Reverts the migrations that a release applied, as long as each is the newest applied one and no contract. Where it stops is no
/// error, and is said.
///
/// # Errors
/// `Unknown` before anything is touched; `Failed` and `InUse` leave the earlier ones reverted.
pub async fn down_of_release(
    options: &PgConnectOptions,
    migrations: &[Migration],
    undo: Undo<'_>,
) -> Result<Undone, MigrateError> {
    let mut connection = run::open(options).await?;
    run::applied(&mut connection).await?;
    let applied = marks::applied(&mut connection).await?;
    let Plan { revert, mut stop } = plan(migrations, &applied, undo)?;
    let step = if undo.lossless { Step::RevertLossless } else { Step::Revert };
    let mut reverted = Vec::new();
    for migration in revert {
        tracing::info!(migration = migration.label(), lossless = undo.lossless, "reverting");
        match locks::patiently(&mut connection, migration, step).await? {
            Done::Took(_) => reverted.push(migration.label()),
            Done::Kept(why) => {
                stop = Some(why);
                break;
            }
        }
    }
    run::close(connection).await?;
    let newest = applied.get(reverted.len()).map(|applied| applied.version);
    Ok(Undone { message: message(reverted.len(), newest, stop.as_deref()), reverted })
}

/// What can be reverted, newest first, and why not more.
#[derive(Debug)]
struct Plan<'a> {
    revert: Vec<&'a Migration>,
    stop: Option<String>,
}

/// `applied` is newest first.
fn plan<'a>(migrations: &'a [Migration], applied: &[Applied], undo: Undo<'_>) -> Result<Plan<'a>, MigrateError> {
    let is_newer = |version| undo.above.is_none_or(|above| version > above);
    let is_ours = |applied: &Applied| applied.release.as_deref() == Some(undo.release) && is_newer(applied.version);
    let reach = applied.iter().rposition(is_ours).map_or(0, |last| last + 1);
    let mut plan = Plan { revert: Vec::new(), stop: None };
    for applied in applied.iter().take(reach) {
        let known = migrations.iter().find(|migration| migration.version == applied.version);
        if !is_ours(applied) {
            plan.stop = Some(foreign(applied, known));
            break;
        }
        let migration = known.ok_or(MigrateError::Unknown(applied.version))?;
        if applied.is_contract || migration.kind == Kind::Contract {
            plan.stop = Some(format!("{} is a contract, and what it took away does not come back", migration.label()));
            break;
        }
        plan.revert.push(migration);
    }
    Ok(plan)
}

fn foreign(applied: &Applied, known: Option<&Migration>) -> String {
    let label = known.map_or_else(|| applied.version.to_string(), Migration::label);
    match &applied.release {
        Some(release) => format!("{label} is newer, and release {release} applied it"),
        None => format!("{label} is newer, and no release of a known name applied it"),
    }
}

fn message(reverted: usize, newest: Option<i64>, stop: Option<&str>) -> String {
    let done = match reverted {
        0 => None,
        1 => Some("reverted 1 migration".to_owned()),
        count => Some(format!("reverted {count} migrations")),
    };
    let newest = newest.map(|version| version.to_string()).unwrap_or_default();
    let stays = stop.map(|why| format!("the schema stays at {newest}: {why}"));
    match (done, stays) {
        (None, None) => "nothing to revert".to_owned(),
        (Some(said), None) | (None, Some(said)) => said,
        (Some(done), Some(stays)) => format!("{done}; {stays}"),
    }
}
