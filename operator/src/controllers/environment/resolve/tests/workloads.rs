//! How many pods, and how large.

use super::*;

fn live(replicas: i32, owner: &str) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"managedFields": [{"manager": owner, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
    }))
    .unwrap()
}

#[test]
fn the_operator_lets_go_of_replicas_only_when_the_autoscaler_holds_them() {
    let automatic = Scale::Automatic { min: 2, max: 6, target_cpu: 70 };
    for (what, scale, live, expected) in [
        ("a fixed number is written", Scale::Fixed(3), Some(live(5, "autoscaler")), Some(3)),
        ("a new Deployment starts with the fewest", automatic, None, Some(2)),
        ("a number that the operator holds stays", automatic, Some(live(5, "operator")), Some(5)),
        ("a number outside the bounds is brought inside", automatic, Some(live(9, "operator")), Some(6)),
        ("a suspended Deployment starts with the fewest", automatic, Some(live(0, "operator")), Some(2)),
        ("a number that the autoscaler holds is left to it", automatic, Some(live(5, "autoscaler")), None),
    ] {
        assert_eq!(scale.replicas(live.as_ref(), "operator"), expected, "{what}");
    }
}

#[test]
fn every_tier_has_one_task_monitor_unless_it_is_switched_off_or_everything_is_at_zero() {
    for tier in Tier::ALL {
        for (more, replicas) in [
            ("", Some(1)),
            ("  monitor: {enabled: true}\n", Some(1)),
            ("  suspend: true\n", Some(0)),
            ("  monitor: {enabled: false}\n", None),
        ] {
            let mut resolved = resolve(&environment(tier, more), &complete()).unwrap();
            assert_eq!(resolved.monitor.as_ref().map(|monitor| monitor.replicas), replicas, "{tier}: {more}");
            resolved.stop();
            assert_eq!(resolved.monitor.map(|monitor| monitor.replicas), replicas.map(|_| 0), "{tier}: {more}");
        }
    }
}

#[test]
fn an_amount_that_is_given_lies_over_the_tiers_and_the_rest_stays() {
    let resolved =
        resolve(&environment(Tier::Dev, "  app: {resources: {limits: {memory: 2Gi}}}\n"), &complete()).unwrap();
    let limits = resolved.app.resources.limits.unwrap();
    assert_eq!((limits["memory"].0.as_str(), limits["cpu"].0.as_str()), ("2Gi", "1"));
}
