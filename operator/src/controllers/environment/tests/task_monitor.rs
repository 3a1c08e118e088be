//! The task monitor: it goes with the release that serves, and nothing that is wrong with it harms anybody else.

use super::{
    blue_green::{NEW, annotate, blue_green, reach, releasing},
    *,
};
use crate::crd::Phase;

const MONITOR: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-monitor";
const SERVICE: &str = "/api/v1/namespaces/chatbot-dev/services/dev-monitor";
const POLICY: &str = "/apis/networking.k8s.io/v1/namespaces/chatbot-dev/networkpolicies/dev-monitor";
const APP_GREEN: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-green";
const OLD: &str = "registry.example/acme/chatbot:1.4.0";

fn template(cluster: &Cluster) -> Value {
    cluster.get(MONITOR).unwrap()["spec"]["template"].clone()
}

/// Status and reason of MonitorHealthy.
fn health(cluster: &Cluster) -> (String, String) {
    let (status, reason, _) = condition(&cluster.environment(), conditions::MONITOR_HEALTHY).unwrap();
    (status, reason)
}

/// Reasons of the events since the last time.
fn events(cluster: &Cluster) -> Vec<String> {
    let calls = cluster.calls().into_iter().filter(|call| call.path.ends_with("/events"));
    calls.filter_map(|call| call.body["reason"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn before_a_release_serves_there_is_no_monitor_and_then_there_is_one() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    assert_eq!(health(&cluster), told("Unknown", "NotObserved"));
    while status_of(&cluster).active.is_none() {
        assert_eq!((cluster.get(MONITOR), cluster.get(SERVICE)), (None, None));
        pods_are_well(&cluster, &candidate(&cluster));
        cluster.run_pods();
        cluster.reconcile().await;
    }
    cluster.settle().await;
    assert_eq!(cluster.get(MONITOR).unwrap()["spec"]["replicas"], 1);
    assert_eq!(cluster.get(SERVICE).unwrap()["spec"]["ports"][0]["port"], 5555);
    assert_eq!(health(&cluster), told("True", "MonitorReady"));
}

#[tokio::test]
async fn it_moves_with_the_switch_and_back_with_a_rollback() {
    let cluster = blue_green("").await;
    let (before, old) = (template(&cluster), status_of(&cluster).id.unwrap());
    // What the spec says of pods beside its image is for the new release too.
    cluster.change(ENVIRONMENT, |environment| environment["spec"]["imagePullPolicy"] = json!("Always"));
    releasing(&cluster, Phase::Check).await;
    assert_eq!(template(&cluster), before, "until the switch nothing of it changes");
    reach(&cluster, Phase::Bake).await;
    let new = status_of(&cluster).id.unwrap();
    assert_eq!(image_of(&cluster, MONITOR), NEW);
    assert_eq!(template(&cluster)["metadata"]["labels"]["chatbot.platform/release"], json!(new));
    let secret = &template(&cluster)["spec"]["containers"][0]["envFrom"][0]["secretRef"]["name"];
    assert_eq!(*secret, json!(format!("dev-release-{new}")), "with the variables of its release");

    annotate(&cluster, "chatbot.platform/rollback", &new);
    cluster.reconcile().await;
    assert_eq!(template(&cluster)["metadata"]["labels"]["chatbot.platform/release"], json!(old), "at once");
    pods_are_well(&cluster, &old);
    cluster.settle().await;
    assert_eq!(image_of(&cluster, MONITOR), OLD);
}

#[tokio::test]
async fn an_image_without_a_monitor_is_released_as_any_other() {
    let cluster = new_environment("  release: {strategy: BlueGreen, bake: 10m}\n").await;
    cluster.crashes("dev-monitor", "error: unrecognized subcommand 'monitor'\n\nUsage: chatbot <COMMAND>\n");
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    let serves = message(&cluster);
    assert!(serves.ends_with(" serves"), "no word of it: {serves}");
    assert_eq!(health(&cluster), told("False", "MonitorMissing"));
    for phase in [Phase::Bake, Phase::Stable] {
        releasing(&cluster, phase).await;
        cluster.later(600);
    }
    assert_eq!(image_of(&cluster, APP_GREEN), NEW);
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn that_it_is_ill_is_told_once_and_so_is_its_end() {
    let cluster = running_environment().await;
    cluster.crashes("dev-monitor", "error: cannot bind the port\n");
    cluster.run_pods();
    cluster.calls();
    for _ in 0..3 {
        cluster.reconcile().await;
    }
    assert_eq!(events(&cluster), ["CrashLoop"]);
    let (_, _, words) = condition(&cluster.environment(), conditions::MONITOR_HEALTHY).unwrap();
    assert!(words.contains("cannot bind the port"), "{words}");
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    cluster.crashes_no_more("dev-monitor");
    cluster.settle().await;
    assert_eq!(health(&cluster), told("True", "MonitorReady"));
}

#[tokio::test]
async fn what_of_it_is_refused_keeps_nothing_else_from_being_written() {
    for object in ["/deployments/dev-monitor", "/services/dev-monitor", "/networkpolicies/dev-monitor"] {
        let cluster = new_environment("").await;
        cluster.refuse(object, 403, "admission webhook \"names\" denied the request: no");
        release(&cluster).await;
        assert_eq!(ready(&cluster), told("True", "ReleaseActive"), "{object}");
        assert_eq!(health(&cluster), told("False", "ApplyRefused"), "{object}");
        let cron_job = "/apis/batch/v1/namespaces/chatbot-dev/cronjobs/dev-backup-full";
        assert!(cluster.get(cron_job).is_some(), "what is written last, though {object} is refused");
        cluster.allow_everything();
        caches_age(61).await;
        cluster.settle().await;
        assert_eq!(health(&cluster), told("True", "MonitorReady"), "{object}");
    }
}

#[tokio::test]
async fn a_service_of_its_name_that_somebody_else_made_is_left_alone() {
    let cluster = new_environment("").await;
    let shop = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dev-monitor", "namespace": "chatbot-dev", "labels": {"app": "shop"}}, "spec": {}});
    cluster.put(SERVICE, shop);
    release(&cluster).await;
    assert_eq!(cluster.get(SERVICE).unwrap()["metadata"]["labels"], json!({"app": "shop"}));
    assert_eq!((ready(&cluster), health(&cluster)), (told("True", "ReleaseActive"), told("False", "ApplyRefused")));
}

#[tokio::test]
async fn it_rests_with_the_environment_and_goes_when_it_is_switched_off() {
    let cluster = running_environment().await;
    suspend(&cluster, true);
    cluster.settle().await;
    assert_eq!(cluster.get(MONITOR).unwrap()["spec"]["replicas"], 0);
    assert_eq!(health(&cluster), told("Unknown", "NotObserved"));
    suspend(&cluster, false);
    cluster.settle().await;
    assert_eq!(health(&cluster), told("True", "MonitorReady"));

    cluster.change(ENVIRONMENT, |environment| environment["spec"]["monitor"] = json!({"enabled": false}));
    cluster.settle().await;
    for path in [MONITOR, SERVICE, POLICY] {
        assert_eq!(cluster.get(path), None);
    }
    assert_eq!((ready(&cluster), health(&cluster)), (told("True", "ReleaseActive"), told("Unknown", "MonitorOff")));
}

/// TCP ports that the monitor may connect to.
fn reached(cluster: &Cluster) -> Vec<i64> {
    let rules = cluster.get(POLICY).unwrap()["spec"]["egress"].as_array().unwrap().clone();
    let ports = rules.iter().flat_map(|rule| rule["ports"].as_array().unwrap().clone());
    ports.filter_map(|port| port["port"].as_i64()).filter(|port| *port != 53).collect()
}

#[tokio::test]
async fn a_monitor_reaches_its_own_services_while_the_next_release_names_others() {
    let cluster = blue_green("").await;
    assert_eq!(reached(&cluster), [6379, 6432]);
    let mut variables = fixtures::user_variables();
    variables.insert("REDIS_URL", "redis://redis.platform.svc:6380/0".to_owned());
    let pairs: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    cluster.put_secret("chatbot-dev", "chatbot", &pairs);
    reach(&cluster, Phase::Check).await;
    let open = reached(&cluster);
    assert!([6379, 6380, 6432].iter().all(|port| open.contains(port)), "{open:?}");
    reach(&cluster, Phase::Bake).await;
    cluster.later(600);
    reach(&cluster, Phase::Stable).await;
    cluster.settle().await;
    assert_eq!(reached(&cluster), [6380, 6432]);
}
