//! What the pods must reach.

use super::*;

#[test]
fn the_task_monitor_reaches_what_it_shows_and_no_other_server() {
    let pairs = [
        ("DATABASE_URL", "postgresql://db/chatbot?port=6432"),
        ("REDIS_URL", "redis://redis"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318"),
        ("QDRANT_URL", "http://qdrant.platform.svc"),
        ("LLM_BASE_URL", "https://llm.example.org/v1"),
        ("SMTP_HOST", "smtp.platform.svc"),
    ];
    let variables = variables(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let found = super::super::endpoints::of_monitor(&variables, "own");
    assert_eq!(found.ports.into_iter().collect::<Vec<_>>(), [4318, 6379, 6432]);
    assert_eq!(found.namespaces.into_iter().collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_ports_of_every_server_that_a_variable_names_are_opened() {
    for (name, value, ports, namespaces) in [
        ("DATABASE_URL", "postgresql://db/chatbot", &[443, 5432][..], &[][..]),
        ("DATABASE_URL", "postgresql:///chatbot?host=db&port=6432", &[443, 6432], &[]),
        ("DATABASE_URL", "postgresql://db:1/chatbot?port=6432", &[443, 6432], &[]),
        ("LLM_BASE_URL", "http://model.platform/v1", &[80, 443], &["platform"]),
        ("REDIS_URL", "rediss://redis", &[443, 6379], &[]),
        ("QDRANT_URL", "http://qdrant.platform.svc:6333", &[443, 6333], &[]),
        ("LLM_BASE_URL", "http://model.platform.svc/v1", &[80, 443], &["platform"]),
        ("LLM_BASE_URL", "http://model/v1", &[80, 443], &["own"]),
        ("LLM_BASE_URL", "https://llm.example.org/v1", &[443], &[]),
        ("SMTP_HOST", "smtp.platform.svc", &[443, 587], &[]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318", &[443, 4318], &[]),
        ("NO_SERVER", "http://elsewhere:1234", &[443], &[]),
        ("BROKEN_URL", "no url", &[443], &[]),
    ] {
        let variables = variables(&[(name.to_owned(), value.to_owned())]);
        let found = super::super::endpoints::endpoints(&variables, "own");
        assert_eq!(found.ports.into_iter().collect::<Vec<_>>(), ports, "{name}={value}");
        assert_eq!(found.namespaces.into_iter().collect::<Vec<_>>(), namespaces, "{name}={value}");
    }
}
