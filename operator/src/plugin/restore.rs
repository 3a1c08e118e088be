//! `kubectl chatbot restore`: a backup comes back, and goes again.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    PluginError,
    backups::{self, short, size},
    output::Output,
    status::length,
    target::{Target, within},
};
use crate::{
    clock::Clock,
    controllers::restore::{ABORT, UNDO},
    crd::{
        self, BackupPhase, ChatbotBackup, ChatbotEnvironment, ChatbotRestore, ChatbotRestoreSpec, ChatbotRestoreStatus,
        LocalRef, Repository, RestoreEnd, RestoreFrom, RestorePhase, RestoreSource, ScrubRef,
    },
};

const MANAGER: &str = "kubectl-chatbot";
/// Pause between two looks at a restore that is under way.
const LOOK: Duration = Duration::from_secs(1);

/// Options of `restore`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// `latest`, a backup as `kubectl chatbot backups` names it, or a time such as 2026-03-04T05:06:07Z: then the newest that is not younger
    #[arg(long, default_value = "latest", value_name = "BACKUP")]
    from: String,
    /// Read the second repository: the first one may be gone
    #[arg(long)]
    offsite: bool,
    #[command(flatten)]
    source: Source,
    /// Say what would happen, and do nothing
    #[arg(long, conflicts_with_all = ["undo", "abort"])]
    plan: bool,
    /// Go back to what was served before the last restore
    #[arg(long, conflicts_with_all = ["abort", "offsite"])]
    undo: bool,
    /// End the restore that is under way, before its swap
    #[arg(long, conflicts_with = "offsite")]
    abort: bool,
    /// Do not ask whether it is meant
    #[arg(long, short)]
    yes: bool,
    /// How long to wait for its end
    #[arg(long, default_value = "6h")]
    wait: crd::Duration,
}

/// Another environment, whose backup comes here without what is personal
#[derive(Debug, Args)]
struct Source {
    /// Bring another environment's backup here: its resourcePrefix, such as prod_
    #[arg(id = "source_prefix", long = "source-prefix", value_name = "PREFIX", conflicts_with_all = ["offsite", "undo", "abort"], requires_all = ["source_bucket", "source_folder", "source_secret", "scrub"])]
    prefix: Option<String>,
    /// The bucket of its backups
    #[arg(id = "source_bucket", long = "source-bucket", value_name = "BUCKET", requires = "source_prefix")]
    bucket: Option<String>,
    /// Their folder in it
    #[arg(id = "source_folder", long = "source-folder", value_name = "FOLDER", requires = "source_prefix")]
    folder: Option<String>,
    /// A Secret here with MINIO_URL, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD and BACKUP_KEY of that bucket
    #[arg(id = "source_secret", long = "source-secret", value_name = "SECRET", requires = "source_prefix")]
    secret: Option<String>,
    /// A ConfigMap whose scrub.sql removes what is personal
    #[arg(long, value_name = "CONFIGMAP", requires = "source_prefix")]
    scrub: Option<String>,
}

impl Source {
    fn wanted(&self) -> Option<RestoreSource> {
        let Self { prefix, bucket, folder, secret, scrub } = self;
        Some(RestoreSource {
            resource_prefix: prefix.clone()?,
            repository: Repository {
                bucket: bucket.clone()?,
                prefix: folder.clone(),
                secret_ref: secret.clone().map(|name| LocalRef { name }),
            },
            scrub: ScrubRef { config_map: scrub.clone()?, key: "scrub.sql".to_owned() },
        })
    }
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    let api: Api<ChatbotRestore> = target.api();
    let patience = arguments.wait.to_std();
    if arguments.undo || arguments.abort {
        let annotation = if arguments.undo { UNDO } else { ABORT };
        let now = Clock::system().now();
        let last = last(&api, &environment, |status| can(annotation, status, now)).await?;
        confirm(*output, &arguments, &environment, &sentence(annotation, &last.0))?;
        // One that stands written from the last time counts no more.
        annotate(&api, &last.0, annotation, None).await?;
        sleep(LOOK * 2).await;
        annotate(&api, &last.0, annotation, Some("true")).await?;
        return follow(&api, output, &last.0, (Some(last.1), patience)).await;
    }
    let mut known = backups::of(target, &environment.name_any()).await?;
    if arguments.offsite {
        let is_there =
            |backup: &ChatbotBackup| backup.status.as_ref().is_some_and(|status| status.offsite == Some(true));
        known.retain(is_there);
    }
    let plan = match &arguments.source.prefix {
        Some(prefix) => foreign_plan(prefix, &arguments.from, &environment),
        None => plan(&environment, &known, &arguments.from, Clock::system().now()),
    };
    output.text(&plan)?;
    if arguments.plan {
        return Ok(());
    }
    confirm(*output, &arguments, &environment, "servers and workers stop for the swap")?;
    let name = create(&api, &environment, &arguments).await?;
    follow(&api, output, &name, (None, patience)).await
}

/// Whether the wish makes sense of a restore that stands so.
fn can(annotation: &str, status: &ChatbotRestoreStatus, now: Timestamp) -> bool {
    if annotation == ABORT {
        return matches!(status.phase, RestorePhase::Pending | RestorePhase::Prepare | RestorePhase::Stop);
    }
    let is_kept = !status.dropped && status.undo_until.as_ref().is_some_and(|until| now < until.0);
    is_kept && matches!(status.phase, RestorePhase::Succeeded | RestorePhase::Start)
}

fn sentence(annotation: &str, restore: &str) -> String {
    if annotation == UNDO {
        format!("what was written since restore {restore} is put aside, and what was served before it comes back")
    } else {
        format!("restore {restore} ends before its swap, and nothing is changed")
    }
}

/// The newest restore of the environment that is meant, and its phase.
async fn last(
    api: &Api<ChatbotRestore>,
    environment: &ChatbotEnvironment,
    is_meant: impl Fn(&ChatbotRestoreStatus) -> bool,
) -> Result<(String, RestorePhase), PluginError> {
    let found = within("list ChatbotRestores", api.list(&ListParams::default())).await?.items;
    let status = |restore: &ChatbotRestore| restore.status.clone().unwrap_or_default();
    let of_it = found.into_iter().filter(|it| it.spec.environment_ref.name == environment.name_any());
    let newest = of_it.filter(|it| is_meant(&status(it))).max_by_key(ChatbotRestore::creation_timestamp);
    let none = || {
        PluginError::Restore(
            "there is no restore that this could be done to: see kubectl get chatbotrestores".to_owned(),
        )
    };
    newest.map(|restore| (restore.name_any(), status(&restore).phase)).ok_or_else(none)
}

async fn annotate(
    api: &Api<ChatbotRestore>,
    name: &str,
    annotation: &str,
    value: Option<&str>,
) -> Result<(), PluginError> {
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { annotation: value } } }));
    within(&format!("annotate ChatbotRestore {name}"), api.patch(name, &parameters, &patch)).await.map(drop)
}

/// Asks a person who is there; who is not must have said it before.
fn confirm(
    output: Output,
    arguments: &Arguments,
    environment: &ChatbotEnvironment,
    what: &str,
) -> Result<(), PluginError> {
    if arguments.yes {
        return Ok(());
    }
    let name = environment.name_any();
    if !io::stdin().is_terminal() {
        return Err(PluginError::Restore(format!("{what}: give --yes where nobody can be asked")));
    }
    output.text(&format!("{what}. Write the environment's name ({name}) to go on: "))?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if line.trim() == name { Ok(()) } else { Err(PluginError::Restore("nothing was done".to_owned())) }
}

async fn create(
    api: &Api<ChatbotRestore>,
    environment: &ChatbotEnvironment,
    arguments: &Arguments,
) -> Result<String, PluginError> {
    let environment = environment.name_any();
    let stamp = Clock::system().now().strftime("%m%d%H%M%S").to_string();
    // Names of Jobs are made from it: a long environment's name is cut.
    let name = format!("{}-back-{stamp}", &environment[..environment.len().min(30)]);
    let restore = ChatbotRestore {
        metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
        spec: ChatbotRestoreSpec {
            environment_ref: LocalRef { name: environment },
            from: from(&arguments.from),
            offsite: arguments.offsite,
            source: arguments.source.wanted(),
        },
        status: None,
    };
    within(&format!("create ChatbotRestore {name}"), api.create(&PostParams::default(), &restore)).await?;
    Ok(name)
}

fn from(text: &str) -> RestoreFrom {
    match (text, text.parse::<Timestamp>()) {
        ("latest", _) => RestoreFrom { latest: Some(true), ..RestoreFrom::default() },
        (_, Ok(time)) => RestoreFrom { at: Some(Time(time)), ..RestoreFrom::default() },
        (name, Err(_)) => RestoreFrom { backup: Some(name.to_owned()), ..RestoreFrom::default() },
    }
}

/// What would come back, how long that took when it was rehearsed, and what would be lost.
fn plan(environment: &ChatbotEnvironment, known: &[ChatbotBackup], text: &str, now: Timestamp) -> String {
    let Some(backup) = chosen(known, &from(text)) else {
        return format!("no ChatbotBackup is known for {text}: the repository itself decides which backup that is\n");
    };
    let status = backup.status.clone().unwrap_or_default();
    let taken = status.taken_at.as_ref().map_or(now, |taken| taken.0);
    let rows = status.rows.map_or_else(String::new, |rows| format!(", {rows} rows"));
    let drill = environment.status.as_ref().and_then(|status| status.backups.as_ref()?.last_drill.clone());
    let took = drill.map_or_else(
        || "no restore was rehearsed yet, so nobody knows how long it takes".to_owned(),
        |drill| format!("the last rehearsed restore took {} s for {} rows", drill.restore_seconds, drill.rows),
    );
    format!(
        "backup   {} ({}), {}{rows}\nlost     what was written in the last {}: since {taken:.0}\ntakes    {took}\n\
         kept     what is live now, for 24 hours: kubectl chatbot restore {} -n {} --undo\n",
        status.backup.as_deref().map_or("-", short),
        backup.name_any(),
        size(status.bytes),
        length(taken, now),
        environment.name_any(),
        environment.namespace().unwrap_or_default(),
    )
}

/// What another environment's repository holds, only the chatbot can say.
fn foreign_plan(prefix: &str, from: &str, environment: &ChatbotEnvironment) -> String {
    let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
    format!(
        "backup   {from}, of the environment {prefix}: its own repository decides which one that is\n\
         scrubbed before anybody is served from it; keys, logins and jobs of that environment do not come along\n\
         kept     what is live now, for 24 hours: kubectl chatbot restore {name} -n {namespace} --undo\n"
    )
}

/// The backup that is meant, as far as the cluster knows it.
fn chosen<'a>(known: &'a [ChatbotBackup], from: &RestoreFrom) -> Option<&'a ChatbotBackup> {
    let status = |backup: &'a ChatbotBackup| backup.status.as_ref().filter(|it| it.phase == BackupPhase::Succeeded);
    let taken = |backup: &'a ChatbotBackup| status(backup)?.taken_at.clone();
    let good = known.iter().filter(|backup| taken(backup).is_some());
    match (&from.backup, &from.at) {
        (Some(name), _) => good.into_iter().find(|backup| {
            let id = status(backup).and_then(|status| status.backup.clone()).unwrap_or_default();
            backup.name_any() == *name || id.starts_with(name.as_str())
        }),
        (None, Some(at)) => {
            good.filter(|backup| taken(backup).is_some_and(|taken| taken.0 <= at.0)).max_by_key(|it| taken(it))
        }
        (None, None) => good.max_by_key(|backup| taken(backup)),
    }
}

/// Shows how a restore goes on until it is over. Where a wish found it in a phase, that one is no end until it has been left.
async fn follow(
    api: &Api<ChatbotRestore>,
    output: &Output,
    name: &str,
    (mut found, patience): (Option<RestorePhase>, Duration),
) -> Result<(), PluginError> {
    let (deadline, mut told) = (Instant::now() + patience, String::new());
    loop {
        let restore = within(&format!("read ChatbotRestore {name}"), api.get(name)).await?;
        let status = restore.status.unwrap_or_default();
        let line = format!("{:<10}  {}", status.phase.as_str(), status.message).trim_end().to_owned();
        // How it stood when the wish was written is no news.
        if found.is_some() && told.is_empty() {
            told.clone_from(&line);
        }
        if line != told {
            output.line(&line)?;
            told = line;
        }
        found = found.filter(|found| *found == status.phase);
        if let Some(end) = end(&status).filter(|_| found.is_none()) {
            return end;
        }
        if Instant::now() > deadline {
            return Err(PluginError::Restore(format!(
                "the restore is not over yet; see kubectl get chatbotrestore {name}"
            )));
        }
        sleep(LOOK).await;
    }
}

/// How it ended, if it did.
fn end(status: &ChatbotRestoreStatus) -> Option<Result<(), PluginError>> {
    let is_good = match status.phase.end()? {
        RestoreEnd::Succeeded => status.undo_failed.is_empty(),
        RestoreEnd::Undone => true,
        RestoreEnd::Failed => false,
    };
    Some(if is_good { Ok(()) } else { Err(PluginError::Restore(status.message.clone())) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn backup(name: &str, id: &str, taken: &str) -> ChatbotBackup {
        serde_json::from_value(json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup", "metadata": {"name": name},
            "spec": {"environmentRef": {"name": "prod"}},
            "status": {"phase": "Succeeded", "takenAt": taken, "backup": id, "bytes": 1_048_576, "rows": 48211},
        }))
        .unwrap()
    }

    fn known() -> Vec<ChatbotBackup> {
        vec![
            backup("new", "5f0c61d2aaaa", "2026-03-04T02:30:00Z"),
            backup("old", "9a3e07bbaaaa", "2026-03-03T02:00:00Z"),
            serde_json::from_value(json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup", "metadata": {"name": "failed"},
                "spec": {"environmentRef": {"name": "prod"}}, "status": {"phase": "Failed"}}))
            .unwrap(),
        ]
    }

    #[test]
    fn a_backup_is_chosen_by_age_name_or_time() {
        let known = known();
        for (text, expected) in [
            ("latest", Some("new")),
            ("old", Some("old")),
            ("9a3e", Some("old")),
            ("2026-03-04T02:29:59Z", Some("old")),
            ("2026-03-04T02:30:00Z", Some("new")),
            ("2026-03-01T00:00:00Z", None),
            ("failed", None),
        ] {
            assert_eq!(chosen(&known, &from(text)).map(ResourceExt::name_any).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_plan_says_what_comes_back_what_is_lost_and_how_long_it_takes() {
        let environment = serde_json::from_value(json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "metadata": {"name": "prod", "namespace": "chat"},
            "spec": {"tier": "prod", "image": "chatbot:2", "secretRef": {"name": "chatbot"}},
            "status": {"backups": {"lastDrill": {"at": "2026-03-01T04:00:00Z", "restoreSeconds": 13, "rows": 48000}}},
        }))
        .unwrap();
        let now = "2026-03-04T02:47:00Z".parse().unwrap();
        insta::assert_snapshot!(plan(&environment, &known(), "latest", now));
    }
}
