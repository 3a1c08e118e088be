//! What somebody added to an object where an addition changes its meaning, and how it is taken away. Pure.
//!
//! Server-side apply leaves alone what it does not speak of, and so does the comparison in [`super::difference`]. For most
//! fields that is right. Here are those where it is not: one more label in a selector and a Service has no pod, one more rule
//! and a policy keeps nobody out, one more variable and a release is not what was checked.

use serde_json::{Map, Value};

/// What an addition under a field means.
enum Rule {
    /// Everything under it says something: whatever is not wanted is an addition, at any depth.
    Exact,
    /// A list. Items are told apart by these fields; an item that is not wanted is an addition, and in the others these fields
    /// are looked at.
    Items(&'static [&'static str], &'static [(&'static str, Rule)]),
    /// These fields are looked at; what others add beside them is theirs.
    Fields(&'static [(&'static str, Rule)]),
}

use Rule::{Exact, Fields, Items};

/// Kinds that are missing here have no such field, or only such that server-side apply replaces as a whole.
const RULES: [(&str, Rule); 6] = [
    ("Service", SERVICE),
    ("NetworkPolicy", Fields(&[("spec", Exact)])),
    ("Deployment", DEPLOYMENT),
    ("PodDisruptionBudget", SELECTOR),
    ("ServiceMonitor", SELECTOR),
    ("PodMonitor", SELECTOR),
];

const SELECTOR: Rule = Fields(&[("spec", Fields(&[("selector", Exact)]))]);

/// The API server fills in addresses, families and policies of its own.
const SERVICE: Rule = Fields(&[(
    "spec",
    Fields(&[
        ("selector", Exact),
        ("ports", Items(&["port", "protocol"], &[])),
        ("externalIPs", Exact),
        ("publishNotReadyAddresses", Exact),
    ]),
)]);

/// Annotations of the template stay: a restart by `kubectl rollout restart` is one. So does what keeps pods from nodes or lets
/// them on (tolerations, a priority), for which the spec has no field.
const DEPLOYMENT: Rule =
    Fields(&[("spec", Fields(&[("paused", Exact), ("template", Fields(&[("spec", Fields(POD))]))]))]);

const POD: &[(&str, Rule)] = &[
    ("containers", Items(&["name"], CONTAINER)),
    ("initContainers", Items(&["name"], CONTAINER)),
    ("volumes", Items(&["name"], &[])),
    ("nodeSelector", Exact),
    ("nodeName", Exact),
    ("affinity", Exact),
    ("hostNetwork", Exact),
    ("hostPID", Exact),
    ("hostIPC", Exact),
    ("hostAliases", Exact),
];

const CONTAINER: &[(&str, Rule)] = &[
    ("env", Items(&["name"], &[])),
    ("envFrom", Exact),
    ("command", Exact),
    ("workingDir", Exact),
    ("lifecycle", Exact),
    ("ports", Items(&["containerPort", "protocol"], &[])),
    ("volumeMounts", Items(&["mountPath"], &[])),
];

/// The merge patch that takes away from `observed` what somebody added; none where nothing was.
#[must_use]
pub fn removal(kind: &str, observed: &Value, desired: &Value) -> Option<Value> {
    let (_, rule) = RULES.iter().find(|(name, _)| *name == kind)?;
    excess(rule, observed, desired)
}

fn excess(rule: &Rule, observed: &Value, desired: &Value) -> Option<Value> {
    match rule {
        Exact => exact(observed, desired),
        Fields(fields) => {
            each(fields.iter().map(|(name, rule)| (*name, excess(rule, &observed[name], &desired[name]))))
        }
        Items(keys, fields) => items(keys, fields, observed, desired),
    }
}

/// A change of what is wanted is no addition: it is written over.
fn exact(observed: &Value, desired: &Value) -> Option<Value> {
    match (observed, desired) {
        (observed, Value::Null) => (!says_nothing(observed)).then_some(Value::Null),
        (Value::Object(fields), desired @ Value::Object(_)) => {
            each(fields.iter().map(|(name, observed)| (name.as_str(), exact(observed, &desired[name]))))
        }
        (Value::Array(observed), Value::Array(wanted)) => {
            let is_same = observed.len() == wanted.len()
                && observed.iter().zip(wanted).all(|(observed, wanted)| exact(observed, wanted).is_none());
            (!is_same).then(|| desired.clone())
        }
        _ => None,
    }
}

/// An empty list is as good as none. An empty selector is not: it selects everything.
fn says_nothing(observed: &Value) -> bool {
    match observed {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    }
}

/// A merge patch cannot name an item: where one is too many, the whole list is written without it.
fn items(keys: &[&str], fields: &'static [(&'static str, Rule)], observed: &Value, desired: &Value) -> Option<Value> {
    let (found, wanted) = (observed.as_array()?, desired.as_array().map(Vec::as_slice).unwrap_or_default());
    let same = |one: &Value, other: &Value| keys.iter().all(|key| one[key] == other[key]);
    let kept: Vec<Value> = found
        .iter()
        .filter_map(|item| Some((item, wanted.iter().find(|wanted| same(item, wanted))?)))
        .map(|(item, wanted)| {
            excess(&Fields(fields), item, wanted).map_or_else(|| item.clone(), |it| without(item, &it))
        })
        .collect();
    let left = if kept.is_empty() { Value::Null } else { Value::Array(kept) };
    (left != *observed && !says_nothing(observed)).then_some(left)
}

/// `value` after the merge patch `removal`, as the API server does it.
fn without(value: &Value, removal: &Value) -> Value {
    let (Value::Object(fields), Value::Object(removals)) = (value, removal) else { return removal.clone() };
    let left = fields.iter().filter_map(|(name, field)| match removals.get(name) {
        None => Some((name.clone(), field.clone())),
        Some(Value::Null) => None,
        Some(removal) => Some((name.clone(), without(field, removal))),
    });
    Value::Object(left.collect())
}

fn each<'a>(fields: impl Iterator<Item = (&'a str, Option<Value>)>) -> Option<Value> {
    let removals: Map<_, _> = fields.filter_map(|(name, removal)| Some((name.to_owned(), removal?))).collect();
    (!removals.is_empty()).then_some(Value::Object(removals))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        controllers::environment::resolve::fixtures,
        crd::{Colour, Tier},
        resources::{Slot, deployment, labels::Component, network_policy, pod_disruption_budget, service},
    };

    fn json_of(object: impl serde::Serialize) -> Value {
        serde_json::to_value(object).unwrap()
    }

    /// The app's Deployment, the Service and the policy that closes everything, as they are written.
    fn written() -> [(&'static str, Value); 4] {
        let resolved = fixtures::resolved(Tier::Prod);
        let slot = Slot { colour: Colour::Blue, release: "0123456789".to_owned(), image: "chatbot:1".to_owned() };
        let policies = network_policy::build(&resolved);
        let deny = policies.iter().find(|it| it.metadata.name.as_deref() == Some("prod-default-deny"));
        let budgets = pod_disruption_budget::build(&resolved, [(Component::App, Colour::Blue)]);
        [
            ("Deployment", json_of(deployment::app(&resolved, &slot, Some(3)))),
            ("Service", json_of(service::active(&resolved, Some(Colour::Blue)))),
            ("NetworkPolicy", json_of(deny)),
            ("PodDisruptionBudget", json_of(budgets.first())),
        ]
    }

    /// What the API server fills in.
    fn defaults() -> [(&'static str, Value); 4] {
        let container = json!({"terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent"});
        let pod = json!({"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "serviceAccount": "prod", "containers": [container]});
        let service = json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None"});
        [
            ("Deployment", json!({"metadata": {"generation": 1}, "spec": {"template": {"spec": pod}}, "status": {}})),
            ("Service", json!({"spec": service, "status": {"loadBalancer": {}}})),
            ("NetworkPolicy", json!({"metadata": {"generation": 1}})),
            ("PodDisruptionBudget", json!({"status": {"currentHealthy": 3}})),
        ]
    }

    /// Lists item by item, so that a table can speak of the first container.
    fn laid_over(value: &mut Value, more: &Value) {
        match (value, more) {
            (Value::Object(fields), Value::Object(more)) => {
                for (name, field) in more {
                    laid_over(fields.entry(name.clone()).or_insert(Value::Null), field);
                }
            }
            (Value::Array(items), Value::Array(more)) => {
                for (item, more) in items.iter_mut().zip(more) {
                    laid_over(item, more);
                }
            }
            (value, more) => value.clone_from(more),
        }
    }

    #[test]
    fn what_the_api_server_fills_in_is_no_addition() {
        for ((kind, desired), (_, defaults)) in written().into_iter().zip(defaults()) {
            let mut observed = desired.clone();
            laid_over(&mut observed, &defaults);
            assert_ne!(observed, desired, "{kind}");
            assert_eq!(removal(kind, &observed, &desired), None, "{kind}");
        }
    }

    #[test]
    fn an_addition_is_taken_away_where_it_changes_the_meaning() {
        type Change = fn(&mut Value);
        fn push(list: &mut Value, item: Value) {
            if list.is_null() {
                *list = json!([]);
            }
            list.as_array_mut().unwrap().push(item);
        }
        fn pod(app: &mut Value) -> &mut Value {
            &mut app["spec"]["template"]["spec"]
        }
        let cases: [(&str, &str, Change); 14] = [
            ("Service", "a label to select by", |it| it["spec"]["selector"]["x"] = json!("y")),
            ("Service", "a port", |it| push(&mut it["spec"]["ports"], json!({"port": 22, "protocol": "TCP"}))),
            ("Service", "an address", |it| it["spec"]["externalIPs"] = json!(["192.0.2.1"])),
            ("NetworkPolicy", "a label to select by", |it| it["spec"]["podSelector"]["matchLabels"]["x"] = json!("y")),
            ("NetworkPolicy", "a rule for everybody", |it| it["spec"]["ingress"] = json!([{}])),
            ("NetworkPolicy", "a way out", |it| it["spec"]["egress"] = json!([{"to": [{"podSelector": {}}]}])),
            ("PodDisruptionBudget", "a label to select by", |it| {
                it["spec"]["selector"]["matchLabels"]["x"] = json!("y");
            }),
            ("Deployment", "a variable", |it| {
                push(&mut pod(it)["containers"][0]["env"], json!({"name": "DEBUG", "value": "1"}));
            }),
            ("Deployment", "variables", |it| {
                push(&mut pod(it)["containers"][0]["envFrom"], json!({"configMapRef": {"name": "more"}}));
            }),
            ("Deployment", "a program", |it| pod(it)["containers"][0]["command"] = json!(["/bin/sh"])),
            ("Deployment", "a container", |it| push(&mut pod(it)["containers"], json!({"name": "more"}))),
            ("Deployment", "a first container", |it| push(&mut pod(it)["initContainers"], json!({"name": "more"}))),
            ("Deployment", "a choice of nodes", |it| pod(it)["nodeSelector"] = json!({"disk": "ssd"})),
            ("Deployment", "a pause", |it| it["spec"]["paused"] = json!(true)),
        ];
        let (written, defaults) = (written(), defaults());
        for (kind, name, change) in cases {
            let (_, desired) = written.iter().find(|(found, _)| *found == kind).unwrap();
            let (_, defaults) = defaults.iter().find(|(found, _)| *found == kind).unwrap();
            let mut filled = desired.clone();
            laid_over(&mut filled, defaults);
            let mut observed = filled.clone();
            change(&mut observed);
            let removal = removal(kind, &observed, desired).unwrap_or_else(|| panic!("{kind}: {name}"));
            assert_eq!(without(&observed, &removal), filled, "{kind}: {name}");
        }
    }

    #[test]
    fn what_others_add_elsewhere_is_theirs() {
        let [(_, desired), ..] = written();
        let mut observed = desired.clone();
        observed["metadata"]["annotations"]["team"] = json!("web");
        observed["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!("now");
        observed["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "gpu"}]);
        assert_eq!(removal("Deployment", &observed, &desired), None);
        assert_eq!(removal("Ingress", &json!({"spec": {"x": 1}}), &json!({})), None);
    }

    #[test]
    fn an_empty_selector_is_an_addition_and_an_empty_list_is_none() {
        let spec = |peer: Value| json!({"spec": {"ingress": [{"from": [peer]}]}});
        let wanted = spec(json!({"podSelector": {"matchLabels": {"a": "b"}}}));
        let wider = spec(json!({"podSelector": {"matchLabels": {"a": "b"}}, "namespaceSelector": {}}));
        assert_eq!(removal("NetworkPolicy", &wider, &wanted), Some(wanted.clone()));
        let mut same = wanted.clone();
        same["spec"]["egress"] = json!([]);
        assert_eq!(removal("NetworkPolicy", &same, &wanted), None);
    }
}
