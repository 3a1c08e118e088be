use super::*;

fn service(name: &'static str, healthy: bool, required: bool) -> Service {
    let message = if healthy { "ok" } else { "no answer within 3 seconds" };
    Service { name, healthy, required, message: message.to_owned(), latency_ms: 1.2 }
}

fn required(postgresql: bool, compatible: bool) -> Required {
    let schema = Schema { current: "20260101000000".to_owned(), required: "20260102000000".to_owned(), compatible };
    let postgresql = service("postgresql", postgresql, true);
    Required { postgresql, schema, schema_message: "the schema lacks migration x".to_owned() }
}

fn report(required: Required, redis: bool) -> Report {
    Report::new("0123456789".to_owned(), required, vec![service("redis", redis, false)])
}

#[test]
fn the_document_has_the_agreed_shape() {
    insta::assert_json_snapshot!(report(required(true, true), false));
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
        let required = required(postgresql, schema);
        assert_eq!(required.readiness(), readiness.map_err(str::to_owned));
        assert_eq!(report(required, redis).status, status);
    }
}
