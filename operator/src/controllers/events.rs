//! Events: what a person sees with `kubectl describe` and `kubectl get events`.

use jiff::Timestamp;
use k8s_openapi::{
    api::events::v1::Event,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Resource, ResourceExt, api::PostParams, runtime::reflector::ObjectRef};

use super::context::Context;
use crate::notify;

/// Who reports events.
const CONTROLLER: &str = "chatbot-operator";
/// Longest note that Kubernetes takes, in bytes.
const LONGEST: usize = 1000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether a person should look at it.
    pub warning: bool,
    /// Short, stable word.
    pub reason: String,
    /// What the operator was doing.
    pub action: &'static str,
    /// What happened, and what to do next.
    pub message: String,
}

/// Publishes a note on `object`. One that is lost is logged and no error.
pub async fn publish<K: Resource<DynamicType = ()>>(ctx: &Context, object: &K, note: Note) {
    let api: Api<Event> = Api::namespaced(ctx.client.clone(), &object.namespace().unwrap_or_default());
    ctx.metrics.wrote("Event", "create");
    let event = event(object, note, &ctx.identity, ctx.clock.now());
    let publishing = || "publishing an event".to_owned();
    if let Err(error) = ctx.term.write(publishing, api.create(&PostParams::default(), &event)).await {
        tracing::warn!(%error, reason = event.reason, "an event was lost");
    }
}

/// Each is news, with words of its own: none is a repetition that could be counted on an earlier one.
fn event<K: Resource<DynamicType = ()>>(object: &K, note: Note, instance: &str, now: Timestamp) -> Event {
    let (namespace, prefix) = (object.namespace(), format!("{}-", object.name_any()));
    Event {
        metadata: ObjectMeta { generate_name: Some(prefix), namespace, ..ObjectMeta::default() },
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        action: Some(note.action.to_owned()),
        reason: Some(note.reason),
        note: Some(cut(note.message)),
        type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
        regarding: Some(object.object_ref(&())),
        ..Event::default()
    }
}

/// Tells people outside of the cluster a note on `object`, which somebody asked for in `environment`.
pub fn tell<K: Resource<DynamicType = ()>>(ctx: &Context, object: &K, environment: &str, note: &Note) {
    let namespace = object.namespace().unwrap_or_default();
    let found = ctx.stores.environments.get(&ObjectRef::new(environment).within(&namespace));
    ctx.notifier.tell(notify::Message {
        tier: found.map(|found| found.spec.tier.to_string()).unwrap_or_default(),
        environment: environment.to_owned(),
        namespace,
        release: String::new(),
        reason: note.reason.clone(),
        warning: note.warning,
        message: format!("{} {}: {}", K::kind(&()), object.name_any(), note.message),
        time: ctx.clock.now().to_string(),
    });
}

/// A message in the length that Kubernetes takes.
#[must_use]
pub fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(LONGEST));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{controllers::environment::resolve::fixtures, crd::Tier};

    #[test]
    fn an_event_has_a_name_of_its_own_that_the_api_server_takes_and_tells_of_whom_it_is() {
        let note =
            Note { warning: true, reason: "RolledBack".to_owned(), action: "Release", message: "why".to_owned() };
        let event = event(&fixtures::minimal(Tier::Dev), note, "chatbot-operator-0", Timestamp::UNIX_EPOCH);
        let prefix = event.metadata.generate_name.as_deref().unwrap_or_default();
        assert_eq!((prefix, event.metadata.name.as_deref()), ("dev-", None), "the API server refuses a dot at its end");
        let regarding = event.regarding.unwrap_or_default();
        assert_eq!((regarding.kind.as_deref(), regarding.name.as_deref()), (Some("ChatbotEnvironment"), Some("dev")));
        assert_eq!((event.type_.as_deref(), event.note.as_deref()), (Some("Warning"), Some("why")));
    }

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        assert_eq!(cut("ü".repeat(501)).len(), LONGEST);
        assert_eq!(cut("a".repeat(999) + "ü").len(), 999);
    }
}
