use super::*;

fn service(name: &'static str, healthy: bool, required: bool) -> Service {
    let message = if healthy { "ok" } else { "no answer within 3 seconds" };
    Service { name, healthy, required, message: message.to_owned(), latency_ms: 1.2 }
}

fn report(compatible: bool, services: Vec<Service>) -> Report {
    let schema = Schema { current: "20260101000000".to_owned(), required: "20260102000000".to_owned(), compatible };
    Report::new("0123456789".to_owned(), (schema, "the schema lacks migration x".to_owned()), services)
}

#[test]
fn the_document_has_the_agreed_shape() {
    insta::assert_json_snapshot!(report(true, vec![service("postgresql", true, true), service("redis", false, false)]));
}

#[test]
fn only_postgresql_and_its_schema_decide_readiness() {
    let cases = [
        (true, true, true, Overall::Ok, Ok(())),
        (true, true, false, Overall::Degraded, Ok(())),
        (true, false, true, Overall::Unavailable, Err("postgresql: no answer within 3 seconds")),
        (false, true, true, Overall::Unavailable, Err("the schema lacks migration x")),
    ];
    for (schema, postgresql, redis, status, readiness) in cases {
        let report = report(schema, vec![service("postgresql", postgresql, true), service("redis", redis, false)]);
        assert_eq!(report.status, status);
        assert_eq!(report.readiness(), readiness.map_err(str::to_owned));
    }
}
