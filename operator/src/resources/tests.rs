mod frozen;
mod task_monitor;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::DynamicObject;
use serde_json::Value;

use super::labels::{Component, Labels};
use super::release_job::Task;
use super::{
    Slot, backup_cron_job, deployment, horizontal_pod_autoscaler, http_route, ingress, labels, network_policy,
    pod_disruption_budget, pod_monitor, prometheus_rule, provision_job, provisioned_secret, release_job,
    release_secret, service, service_account, service_monitor,
};
use crate::controllers::environment::resolve::{Identity, Resolved, Variables, fixtures, resolve};
use crate::crd::{ChatbotEnvironment, Colour, Tier};

fn slot(resolved: &Resolved, colour: Colour) -> Slot {
    Slot { colour, release: resolved.release_id.clone(), image: resolved.image.reference.clone() }
}

fn object(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// Every object of an environment whose blue slot is active, by the name of its file.
fn objects(resolved: &Resolved) -> Vec<(&'static str, Value)> {
    let blue = slot(resolved, Colour::Blue);
    let replicas = |scale: crate::controllers::environment::resolve::Scale| scale.replicas(None, "chatbot-operator");
    let serving = release_job::Serving { release: "serving", schema: Some("20260101000600") };
    let mut objects = vec![
        ("release_secret", object(release_secret::build(resolved))),
        ("service_account", object(service_account::build(resolved))),
        ("deployment_app", object(deployment::app(resolved, &blue, replicas(resolved.app.scale)))),
        ("deployment_worker", object(deployment::worker(resolved, &blue, replicas(resolved.worker.scale)))),
        ("service_active", object(service::active(resolved, Some(Colour::Blue)))),
        ("service_preview", object(service::preview(resolved, None))),
        ("service_task_monitor", object(service::monitor(resolved))),
    ];
    objects.extend(deployment::monitor(resolved, &blue).map(|it| ("deployment_monitor", object(it))));
    objects.extend(
        Task::ALL.map(|task| ("release_job", object(release_job::build(resolved, &blue, task, Some(serving))))),
    );
    objects
        .extend(backup_cron_job::build(resolved, &blue, false).into_iter().map(|it| ("backup_cron_job", object(it))));
    objects.extend(network_policy::build(resolved).into_iter().map(|it| ("network_policy", object(it))));
    objects.extend(
        pod_disruption_budget::build(resolved, [(Component::App, Colour::Blue), (Component::Worker, Colour::Blue)])
            .into_iter()
            .map(|it| ("pod_disruption_budget", object(it))),
    );
    objects.extend(
        horizontal_pod_autoscaler::build(resolved, Colour::Blue)
            .into_iter()
            .map(|it| ("horizontal_pod_autoscaler", object(it))),
    );
    objects.extend(provision_job::build(resolved, &blue).map(|it| ("provision_job", object(it))));
    objects.extend(ingress::build(resolved).map(|it| ("ingress", object(it))));
    objects.extend(http_route::build(resolved).map(|it| ("http_route", object(it))));
    let monitors = [service_monitor::build(resolved), service_monitor::of_monitor(resolved)].into_iter().flatten();
    objects.extend(monitors.map(|it| ("service_monitor", object(it))));
    objects.extend(prometheus_rule::build(resolved).map(|it| ("prometheus_rule", object(it))));
    objects.extend(pod_monitor::build(resolved).map(|it| ("pod_monitor", object(it))));
    objects
}

fn full() -> Resolved {
    resolve(&fixtures::full(Tier::Prod), &fixtures::provisioned()).unwrap()
}

/// Prod with alerts, as a cluster with the Prometheus operator has it.
fn alerted() -> Resolved {
    let more = "  backups: {offsite: {bucket: copies}}\n";
    resolve(&fixtures::environment(Tier::Prod, more), &fixtures::provisioned()).unwrap()
}

fn behind_gateway() -> Resolved {
    let more = "  host: chat.example.org\n  tls: {secretName: chat-tls}\n  routing: {gateway: {name: public, namespace: gateways, sectionName: https}}\n";
    resolve(&fixtures::environment(Tier::Stage, more), &fixtures::provisioned()).unwrap()
}

/// Environments that together make every kind of object.
fn cases() -> Vec<(String, Resolved)> {
    let mut cases: Vec<_> = Tier::ALL.map(|tier| (tier.to_string(), fixtures::resolved(tier))).into();
    cases.push(("full".to_owned(), full()));
    cases.push(("gateway".to_owned(), behind_gateway()));
    cases.push(("alerted".to_owned(), alerted()));
    cases
}

/// What a spec that says more changes; the rest is as in its tier.
fn is_telling(case: &str, file: &str) -> bool {
    match case {
        "alerted" => file == "prometheus_rule",
        "gateway" => matches!(file, "http_route" | "network_policy"),
        "full" => !["service_a", "service_p", "service_t", "release_job"].iter().any(|start| file.starts_with(start)),
        _ => true,
    }
}

#[test]
fn every_object_of_every_tier_is_as_reviewed() {
    for (case, resolved) in cases() {
        let mut by_file: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (file, object) in objects(&resolved).into_iter().filter(|(file, _)| is_telling(&case, file)) {
            by_file.entry(file).or_default().push(object);
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true }, {
            for (file, objects) in by_file {
                insta::assert_yaml_snapshot!(format!("{file}_{case}"), objects);
            }
        });
    }
}

#[test]
fn the_provisioned_secret_outlives_its_environment() {
    let identity = Identity::of(&fixtures::minimal(Tier::Dev));
    let variables = Variables::from([("DATABASE_URL".to_owned(), "postgresql://dev_chatbot:pw@db/dev_chatbot".into())]);
    let secret =
        provisioned_secret::build(&crate::controllers::environment::resolve::Credentials { identity, variables });
    assert_eq!(secret.metadata.owner_references, None);
    assert_eq!(secret.metadata.name.as_deref(), Some("dev-provisioned"));
}

#[test]
fn every_object_is_labelled_and_owned_by_its_environment() {
    for (case, resolved) in cases() {
        for (file, object) in objects(&resolved) {
            let labels = &object["metadata"]["labels"];
            assert_eq!(labels[labels::ENVIRONMENT], resolved.identity.name, "{file} of {case}");
            assert_eq!(labels[labels::MANAGED_BY], "chatbot-operator", "{file} of {case}");
            assert_eq!(object["metadata"]["ownerReferences"][0]["controller"], true, "{file} of {case}");
            assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], resolved.identity.uid, "{file} of {case}");
        }
    }
}

/// Pod templates of all workloads, by file.
fn templates(resolved: &Resolved) -> Vec<(&'static str, PodTemplateSpec)> {
    let template = |object: &Value| {
        let paths = ["/spec/template", "/spec/jobTemplate/spec/template"];
        paths.iter().find_map(|path| object.pointer(path)).cloned()
    };
    let with_template = objects(resolved).into_iter().filter_map(|(file, object)| Some((file, template(&object)?)));
    with_template.map(|(file, template)| (file, serde_json::from_value(template).unwrap())).collect()
}

#[test]
fn every_pod_is_restricted_and_has_no_token() {
    for (file, template) in cases().iter().flat_map(|(_, resolved)| templates(resolved)) {
        let pod = template.spec.unwrap();
        let security = pod.security_context.unwrap();
        assert_eq!(security.run_as_non_root, Some(true), "{file}");
        assert_eq!(security.run_as_user, Some(65532), "{file}");
        assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault", "{file}");
        assert_eq!(pod.automount_service_account_token, Some(false), "{file}");
        assert_eq!(pod.enable_service_links, Some(false), "{file}");
        for container in pod.containers {
            let security = container.security_context.unwrap();
            assert_eq!(security.allow_privilege_escalation, Some(false), "{file}");
            assert_eq!(security.read_only_root_filesystem, Some(true), "{file}");
            assert_eq!(security.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]), "{file}");
            assert!(container.resources.unwrap().limits.is_some(), "{file}");
        }
    }
}

#[test]
fn no_pod_template_holds_the_operators_version_or_the_specs_generation() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, template) in cases().iter().flat_map(|(_, resolved)| templates(resolved)) {
        let text = serde_json::to_string(&template).unwrap();
        assert!(!text.contains(version), "{file} holds the operator's version {version}");
        assert!(!text.contains("generation"), "{file} holds the generation of the spec");
    }
}

#[test]
fn no_secret_value_stands_in_a_pod() {
    for (file, template) in cases().iter().flat_map(|(_, resolved)| templates(resolved)) {
        let text = serde_json::to_string(&template).unwrap();
        assert!(!text.contains(fixtures::SECRET), "{file}");
    }
}

fn matches(selector: &Value, labels: &Labels) -> bool {
    let selector: Labels = serde_json::from_value(selector.clone()).unwrap();
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn app_labels(resolved: &Resolved, colour: Colour) -> Labels {
    let deployment = deployment::app(resolved, &slot(resolved, colour), None);
    deployment.spec.unwrap().template.metadata.unwrap().labels.unwrap()
}

#[test]
fn the_active_service_reaches_only_the_pods_of_its_colour() {
    let resolved = fixtures::resolved(Tier::Stage);
    for colour in [Colour::Blue, Colour::Green] {
        let selector = object(service::active(&resolved, Some(colour)))["spec"]["selector"].clone();
        assert!(matches(&selector, &app_labels(&resolved, colour)), "{colour:?}");
        assert!(!matches(&selector, &app_labels(&resolved, colour.other())), "{colour:?}");
    }
}

#[test]
fn outside_a_release_the_preview_reaches_nothing() {
    let resolved = fixtures::resolved(Tier::Stage);
    let selector = object(service::preview(&resolved, None))["spec"]["selector"].clone();
    for colour in [Colour::Blue, Colour::Green] {
        assert!(!matches(&selector, &app_labels(&resolved, colour)), "{colour:?}");
    }
}

#[test]
fn a_deployment_selects_its_own_pods_by_labels_that_no_release_changes() {
    let resolved = fixtures::resolved(Tier::Prod);
    for file in ["deployment_app", "deployment_worker", "deployment_monitor"] {
        let (_, object) = objects(&resolved).into_iter().find(|(name, _)| *name == file).unwrap();
        let selector = &object["spec"]["selector"]["matchLabels"];
        let labels: Labels = serde_json::from_value(object["spec"]["template"]["metadata"]["labels"].clone()).unwrap();
        assert!(matches(selector, &labels), "{file}");
        for changing in [labels::RELEASE, labels::VERSION, labels::TIER] {
            assert!(selector.get(changing).is_none(), "{file} selects by {changing}");
        }
    }
}

#[test]
fn every_pod_is_closed_by_the_default_policy_and_opened_by_one_more() {
    let resolved = full();
    let policies = network_policy::build(&resolved);
    for (file, template) in templates(&resolved) {
        let labels = template.metadata.unwrap().labels.unwrap();
        let selecting = policies.iter().filter(|policy| {
            let selector = policy.spec.as_ref().unwrap().pod_selector.as_ref().unwrap();
            matches(&object(selector.match_labels.as_ref()), &labels)
        });
        assert_eq!(selecting.count(), 2, "{file}");
    }
}

#[test]
fn a_migration_reaches_nothing_but_the_database_and_names() {
    let resolved = fixtures::resolved(Tier::Prod);
    let policies = network_policy::build(&resolved);
    let migrate = policies.iter().find(|policy| policy.metadata.name.as_deref() == Some("prod-migrate")).unwrap();
    let spec = object(migrate.spec.as_ref());
    let ports: Vec<i64> = spec["egress"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| rule["ports"].as_array().unwrap().clone())
        .map(|port| port["port"].as_i64().unwrap())
        .collect();
    assert_eq!(ports, [53, 53, 6432]);
    assert_eq!(spec["ingress"], Value::Null);
}

#[test]
fn a_suspended_environment_has_no_pods_and_nothing_that_would_start_them() {
    let more = "  suspend: true\n  app: {autoscaling: {min: 2, max: 6}}\n";
    let resolved = resolve(&fixtures::environment(Tier::Prod, more), &fixtures::complete()).unwrap();
    assert_eq!(resolved.app.scale.replicas(None, "chatbot-operator"), Some(0));
    assert_eq!(resolved.worker.scale.replicas(None, "chatbot-operator"), Some(0));
    assert_eq!(horizontal_pod_autoscaler::build(&resolved, Colour::Blue), []);
    assert_eq!(pod_disruption_budget::build(&resolved, [(Component::App, Colour::Blue)]), []);
}

#[test]
fn what_a_release_reaches_can_be_read_back_from_its_secret() {
    let more = "  settings: {LLM_BASE_URL: 'http://model.models.svc/v1'}\n";
    let environment = fixtures::environment(Tier::Stage, more);
    let resolved = resolve(&environment, &fixtures::complete()).unwrap();
    let secret = release_secret::build(&resolved);
    assert_eq!(release_secret::reached_by([&secret.metadata]), resolved.network.endpoints);
    assert!(resolved.network.endpoints.namespaces.contains("models"));
}

#[test]
fn policies_can_be_switched_off() {
    let resolved =
        resolve(&fixtures::environment(Tier::Dev, "  network: {policies: false}\n"), &fixtures::complete()).unwrap();
    assert_eq!(network_policy::build(&resolved), []);
}

fn renamed(name: &str) -> ChatbotEnvironment {
    let mut environment = fixtures::full(Tier::Prod);
    environment.metadata.name = Some(name.to_owned());
    environment
}

#[test]
fn no_name_or_label_of_the_longest_environment_exceeds_63_characters() {
    let longest = "a".repeat(40);
    let mut environment = renamed(&longest);
    environment.spec.image = format!("registry.example/chatbot:{}", "1".repeat(128));
    let resolved = resolve(&environment, &fixtures::provisioned()).unwrap();
    for (file, object) in objects(&resolved) {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(name.len() <= 63, "{file}: {name}");
        let labels: Labels = serde_json::from_value(object["metadata"]["labels"].clone()).unwrap();
        assert!(labels.values().all(|value| value.len() <= 63), "{file}: {labels:?}");
    }
}

#[test]
fn a_selector_is_written_as_list_calls_take_it() {
    let selector = labels::selector("dev", Component::App, Some(Colour::Green));
    let text = labels::selector_string(&selector);
    assert_eq!(
        text,
        "app.kubernetes.io/component=app,app.kubernetes.io/name=chatbot,chatbot.platform/colour=green,chatbot.platform/environment=dev"
    );
}

#[test]
fn dynamic_objects_name_their_kind() {
    let route: DynamicObject = http_route::build(&behind_gateway()).unwrap();
    assert_eq!(route.types.unwrap().kind, http_route::resource().kind);
    let monitor = service_monitor::build(&full()).unwrap();
    assert_eq!(monitor.types.unwrap().kind, service_monitor::resource().kind);
    let monitor = pod_monitor::build(&full()).unwrap();
    assert_eq!(monitor.types.unwrap().kind, pod_monitor::resource().kind);
}

#[test]
fn every_serving_pod_is_scraped_once() {
    let resolved = full();
    let monitor = object(service_monitor::build(&resolved));
    let selector = &monitor["spec"]["selector"]["matchLabels"];
    let services = [service::active(&resolved, Some(Colour::Blue)), service::preview(&resolved, Some(Colour::Green))];
    let selected: Vec<_> = services
        .into_iter()
        .map(|service| service.metadata)
        .filter(|metadata| matches(selector, metadata.labels.as_ref().unwrap()))
        .map(|metadata| metadata.name.unwrap())
        .collect();
    assert_eq!(selected, [resolved.identity.name.as_str()], "Services that are scraped");
    let selector = object(pod_monitor::build(&resolved))["spec"]["selector"]["matchLabels"].clone();
    let scraped = templates(&resolved)
        .into_iter()
        .filter(|(_, template)| matches(&selector, template.metadata.as_ref().unwrap().labels.as_ref().unwrap()))
        .map(|(file, _)| file)
        .collect::<Vec<_>>();
    assert_eq!(scraped, ["deployment_worker"], "pods that are scraped without a Service");
}

/// Seconds that an app pod of the slot may take to end.
fn app_grace(resolved: &Resolved, slot: &Slot) -> Option<i64> {
    deployment::app(resolved, slot, None).spec.unwrap().template.spec.unwrap().termination_grace_period_seconds
}

fn with_settings(settings: &str) -> Resolved {
    let environment = fixtures::environment(Tier::Stage, &format!("  settings: {{{settings}}}\n"));
    resolve(&environment, &fixtures::complete()).unwrap()
}

#[test]
fn an_app_pod_may_take_as_long_to_end_as_its_release_takes_for_an_answer() {
    for (settings, seconds) in [
        ("", 180),
        ("REQUEST_TIMEOUT: '3600'", 3630),
        ("REQUEST_TIMEOUT: '200.5'", 231),
        ("LLM_TIMEOUT: 600s", 645),
        ("DRAIN_DELAY: '300'", 475),
        ("DRAIN_DELAY: '0', REQUEST_TIMEOUT: '1'", 180),
    ] {
        let resolved = with_settings(settings);
        assert_eq!(app_grace(&resolved, &slot(&resolved, Colour::Blue)), Some(seconds), "{settings}");
    }
}

#[test]
fn the_time_of_another_release_is_that_which_its_secret_tells() {
    let slow = with_settings("REQUEST_TIMEOUT: '3600'");
    let other = slot(&slow, Colour::Green);
    let mut resolved = with_settings("");
    assert_eq!(app_grace(&resolved, &other), Some(180), "while nothing is known of it");
    resolved.graces = resolved.graces.and(release_secret::graces([&release_secret::build(&slow).metadata]));
    assert_eq!(app_grace(&resolved, &other), Some(3630));
    assert_eq!(app_grace(&resolved, &slot(&resolved, Colour::Blue)), Some(180));
}
