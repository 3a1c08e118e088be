//! Jobs that are run once for somebody: made, looked at, and read from the caches.

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::{CronJob, Job},
    core::v1::Pod,
};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, PostParams},
    runtime::reflector::ObjectRef,
};

use super::{
    context::Context, environment::apply::refusal_of, environment::observe::typed, environment::trouble::short,
};
use crate::{
    crd::ChatbotEnvironment,
    error::Error,
    resources::{
        backup_cron_job::Run,
        labels::{self, Component},
        names,
        run_job::{self, Single},
    },
};

/// Of Jobs that back up and restore.
const BACKUP: &str = Component::Backup.as_str();

/// What is known of one environment, for those who run Jobs in it.
#[derive(Debug)]
pub struct Place {
    /// The environment.
    pub environment: Arc<ChatbotEnvironment>,
    /// Its pods.
    pub pods: Vec<Arc<Pod>>,
    /// Its Jobs of backups and restores.
    pub jobs: Vec<Job>,
    /// Pods that its Deployments have, or should have.
    pub replicas: i32,
}

impl Place {
    /// From the caches; none where there is no such environment.
    ///
    /// # Errors
    /// When an object is not what its kind says.
    pub fn observe(ctx: &Context, namespace: &str, environment: &str) -> Result<Option<Self>, Error> {
        let Some(found) = ctx.stores.environments.get(&ObjectRef::new(environment).within(namespace)) else {
            return Ok(None);
        };
        let owned = ctx.stores.all_owned(namespace, environment);
        let deployments = owned.iter().filter(|(kind, _)| kind.kind == "Deployment");
        let replicas = deployments.map(|(_, object)| Ok(replicas(&typed(object)?))).sum::<Result<i32, Error>>()?;
        let owned = owned.into_iter();
        let is_run = |job: &DynamicObject| job.labels().get(labels::COMPONENT).is_some_and(|name| name == BACKUP);
        let jobs = owned.filter(|(kind, object)| kind.kind == "Job" && is_run(object));
        let jobs = jobs.map(|(_, object)| typed(&object)).collect::<Result<_, _>>()?;
        Ok(Some(Self { environment: found, pods: ctx.stores.own_pods(namespace, environment), jobs, replicas }))
    }

    /// The Job of this name that the object with this uid asked for; another one of that name is not meant.
    #[must_use]
    pub fn job_for(&self, uid: &str, name: &str) -> Option<&Job> {
        self.named(name).filter(|job| job.labels().get(labels::FOR).is_some_and(|asked_by| asked_by == uid))
    }

    /// The Job of this name that a schedule or a release made.
    #[must_use]
    pub fn own_job(&self, name: &str) -> Option<&Job> {
        self.named(name).filter(|job| !job.labels().contains_key(labels::FOR))
    }

    fn named(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.metadata.name.as_deref() == Some(name))
    }
}

fn replicas(deployment: &Deployment) -> i32 {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    wanted.max(deployment.status.as_ref().and_then(|status| status.replicas).unwrap_or(0))
}

/// The recipe of a run; none while no release serves.
///
/// # Errors
/// When the object is not what its kind says.
pub fn recipe(ctx: &Context, environment: &ChatbotEnvironment, run: Run) -> Result<Option<CronJob>, Error> {
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    let kind = ApiResource::erase::<CronJob>(&());
    let found = ctx.stores.owned(&kind, &namespace, &names::backup_cron_job(&name, run));
    found.map(|found| typed(&found)).transpose()
}

/// What came of making a Job.
#[derive(Debug, PartialEq, Eq)]
pub enum Made {
    /// It is there, and the caches will show it.
    Yes,
    /// Why it is refused; what a person can mend.
    Refused(String),
}

/// Makes the Job of a single run.
///
/// # Errors
/// When the API server cannot be reached.
pub async fn make(ctx: &Context, recipe: &CronJob, single: Single<'_>) -> Result<Made, Error> {
    let (namespace, name) = (recipe.namespace().unwrap_or_default(), single.name.clone());
    let asked_by = single.asked_by.clone();
    let Some(job) = run_job::build(recipe, single) else {
        return Ok(Made::Refused(format!("CronJob {} has no pod template", recipe.name_any())));
    };
    let api: Api<Job> = Api::namespaced(ctx.client.clone(), &namespace);
    let doing = || format!("making Job {namespace}/{name}");
    ctx.metrics.wrote("Job", "create");
    match ctx.term.write(doing, api.create(&PostParams::default(), &job)).await {
        Ok(_) => {
            tracing::info!(namespace, name, "made a Job");
            Ok(Made::Yes)
        }
        // It is there already: ours, from a moment ago, or somebody else's.
        Err(Error::Conflict { .. }) => exists(&api, &name, &asked_by).await,
        Err(Error::Api { source, doing }) => {
            let why = refusal_of(*source).map_err(|source| Error::Api { doing, source: Box::new(source) })?;
            Ok(Made::Refused(short(&why)))
        }
        Err(error) => Err(error),
    }
}

/// Removes a Job with its pods; one that is gone already is no error.
///
/// # Errors
/// When the API server cannot be reached, or refuses.
pub async fn remove(ctx: &Context, namespace: &str, name: &str) -> Result<(), Error> {
    let api: Api<Job> = Api::namespaced(ctx.client.clone(), namespace);
    let doing = || format!("deleting Job {namespace}/{name}");
    ctx.metrics.wrote("Job", "delete");
    match ctx.term.write(doing, api.delete(name, &DeleteParams::background())).await {
        Ok(_) => Ok(()),
        Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.code == 404) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn exists(api: &Api<Job>, name: &str, asked_by: &str) -> Result<Made, Error> {
    let found = crate::error::within(|| format!("reading Job {name}"), api.get_metadata_opt(name)).await?;
    let is_own = found.is_none_or(|found| found.labels().get(labels::FOR).is_some_and(|uid| uid == asked_by));
    let foreign = || Made::Refused(format!("a Job {name} exists already, of something else: choose another name"));
    Ok(if is_own { Made::Yes } else { foreign() })
}
