use super::*;

fn service(name: &'static str, healthy: bool, required: bool) -> Service {
    let message = if healthy { "ok" } else { "no answer within 3 seconds" };
    let detail = (!healthy).then(|| "connection to 10.0.0.7:6379 refused".to_owned());
    Service { name, healthy, required, message: message.to_owned(), detail, latency_ms: 1.2 }
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
fn what_everyone_may_read_is_made_of_fixed_words_that_name_what_to_check() {
    use crate::error::Outage::{Busy, Credentials, Failing, Missing, Payment, TimedOut, Unreachable};
    let subjects = [outage::POSTGRESQL, outage::REDIS, outage::QDRANT, outage::OBJECTS, outage::LLM, outage::EMBEDDING];
    let outages = [Unreachable, TimedOut, Credentials, Missing, Busy, Payment, Failing];
    let said: Vec<String> = subjects.iter().flat_map(|subject| outages.map(|outage| subject.words(outage))).collect();
    insta::assert_snapshot!(said.join("\n"));
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

#[tokio::test]
async fn probes_that_come_together_share_one_check_and_its_result() {
    let (kept, checks) = (Kept::default(), std::cell::Cell::new(0));
    let probe = async || {
        let check = async {
            checks.set(checks.get() + 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
            checks.get()
        };
        *kept.or_else(check).await
    };
    assert_eq!(futures::future::join_all((0..50).map(|_| probe())).await, [1; 50]);
}
