//! The task monitor: who finds it, and whom it reaches.

use super::*;

fn monitor_labels(resolved: &Resolved) -> Labels {
    let deployment = deployment::monitor(resolved, &slot(resolved, Colour::Blue)).unwrap();
    deployment.spec.unwrap().template.metadata.unwrap().labels.unwrap()
}

fn without_monitor() -> Resolved {
    resolve(&fixtures::environment(Tier::Prod, "  monitor: {enabled: false}\n"), &fixtures::provisioned()).unwrap()
}

fn policy(resolved: &Resolved) -> Option<Value> {
    let policies = network_policy::build(resolved);
    let is_of_it = |name: &Option<String>| name.as_deref().is_some_and(|name| name.ends_with("-monitor"));
    policies.into_iter().find(|policy| is_of_it(&policy.metadata.name)).map(|policy| object(policy.spec))
}

#[test]
fn each_service_reaches_its_own_pods_and_no_others() {
    let resolved = fixtures::resolved(Tier::Stage);
    let selector = |service| object(service)["spec"]["selector"].clone();
    let (users, monitors) =
        (selector(service::active(&resolved, Some(Colour::Blue))), selector(service::monitor(&resolved)));
    let (app, monitor) = (app_labels(&resolved, Colour::Blue), monitor_labels(&resolved));
    assert!(matches(&monitors, &monitor) && !matches(&monitors, &app));
    assert!(matches(&users, &app) && !matches(&users, &monitor));
}

#[test]
fn an_older_pod_never_waits_for_a_new_one_to_be_ready() {
    let resolved = fixtures::resolved(Tier::Prod);
    let spec = deployment::monitor(&resolved, &slot(&resolved, Colour::Blue)).unwrap().spec.unwrap();
    assert_eq!(spec.strategy.unwrap().type_.as_deref(), Some("Recreate"));
    assert_eq!(spec.replicas, Some(1));
}

#[test]
fn it_reaches_the_database_redis_and_names_alone() {
    let spec = policy(&fixtures::resolved(Tier::Prod)).unwrap();
    let rules = spec["egress"].as_array().unwrap();
    let ports = rules.iter().flat_map(|rule| rule["ports"].as_array().unwrap());
    assert_eq!(ports.map(|port| port["port"].as_i64().unwrap()).collect::<Vec<_>>(), [53, 53, 6379, 6432]);
}

#[test]
fn prometheus_and_whom_the_spec_lets_in_reach_its_port_and_nobody_else() {
    let resolved = full();
    let spec = policy(&resolved).unwrap();
    assert_eq!(spec["ingress"].as_array().unwrap().len(), 1);
    let rule = &spec["ingress"][0];
    assert_eq!(rule["ports"], serde_json::json!([{"protocol": "TCP", "port": 5555}]));
    let from = rule["from"].as_array().unwrap();
    let (named, others): (Vec<_>, Vec<_>) =
        from.iter().partition(|peer| peer["podSelector"]["matchLabels"][labels::NAME] == "prometheus");
    assert_eq!(named.len(), 2, "{from:#?}");
    assert_eq!(others, [&object(&resolved.network.allow_from[0])], "neither the operator nor other pods");
}

#[test]
fn it_is_scraped_behind_its_service_and_once() {
    let resolved = full();
    let monitor = object(service_monitor::of_monitor(&resolved));
    let selector = &monitor["spec"]["selector"]["matchLabels"];
    let services = [
        service::active(&resolved, Some(Colour::Blue)),
        service::preview(&resolved, None),
        service::monitor(&resolved),
    ];
    let labels = services.map(|service| service.metadata.labels.unwrap());
    assert_eq!(labels.map(|labels| matches(selector, &labels)), [false, false, true]);
    assert_eq!(monitor["spec"]["endpoints"], serde_json::json!([{"port": "http", "path": "/metrics"}]));
}

#[test]
fn nothing_is_made_for_a_monitor_that_is_switched_off() {
    let resolved = without_monitor();
    assert_eq!(deployment::monitor(&resolved, &slot(&resolved, Colour::Blue)), None);
    assert_eq!(policy(&resolved), None);
    assert_eq!(service_monitor::of_monitor(&resolved), None);
    assert!(service_monitor::build(&resolved).is_some(), "the app is scraped all the same");
}
