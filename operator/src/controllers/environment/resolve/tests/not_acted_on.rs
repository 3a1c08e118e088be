//! What has no effect, and is said to have none.

use super::*;

#[test]
fn what_another_field_deprives_of_its_effect_is_named() {
    for (more, field) in [
        ("  backups: {suspend: true}\n", "backups.suspend"),
        ("  backups: {rpo: 2h}\n", "backups.rpo"),
        ("  backups: {rto: 2h}\n", "backups.rto"),
        ("  monitoring: {labels: {release: prometheus}}\n", "monitoring.labels"),
        ("  network: {policies: false, allowFrom: [{podSelector: {}}]}\n", "network.allowFrom"),
        ("  release: {bake: 10m}\n", "release.bake"),
        ("  release: {promotion: Manual}\n", "release.promotion"),
        ("  release: {onFailure: Hold}\n", "release.onFailure"),
        ("  release: {strategy: BlueGreen, analysis: {minRequests: 5}}\n", "release.analysis"),
        ("  app: {replicas: 3, autoscaling: {max: 4}}\n", "app.replicas"),
        ("  worker: {replicas: 3, autoscaling: {max: 4}}\n", "worker.replicas"),
    ] {
        let resolved = resolve(&environment(Tier::Dev, more), &complete()).unwrap();
        assert!(resolved.not_acted_on.iter().any(|it| it.field == field), "{field}: {:?}", resolved.not_acted_on);
    }
}

#[test]
fn monitoring_that_lacks_a_kind_of_the_prometheus_operator_is_named() {
    let none = Apis::default();
    for (apis, is_named) in [
        (none, true),
        (Apis { service_monitor: true, ..none }, true),
        (Apis { pod_monitor: true, ..none }, true),
        (Apis { service_monitor: true, pod_monitor: true, ..none }, false),
    ] {
        let resolved = resolve(&minimal(Tier::Stage), &References { apis, ..complete() }).unwrap();
        let named = resolved.not_acted_on.iter().any(|it| it.field == "monitoring.level");
        assert_eq!(named, is_named, "{apis:?}");
    }
}

#[test]
fn the_smallest_spec_is_acted_on_as_far_as_the_cluster_can() {
    let fields = |tier| fixtures::resolved(tier).not_acted_on.iter().map(|it| it.field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(Tier::Dev), Vec::<String>::new());
    assert_eq!(fields(Tier::Prod), ["monitoring.level"]);
}
