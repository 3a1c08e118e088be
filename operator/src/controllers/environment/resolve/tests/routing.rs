//! The way to the users.

use super::*;

const HOST: &str = "  host: chat.example.org\n  tls: {issuerRef: {name: letsencrypt, kind: ClusterIssuer}}\n";

#[test]
fn an_issuer_becomes_an_annotation() {
    let references = References { apis: Apis { cert_manager: true, ..Apis::default() }, ..complete() };
    let routing = resolve(&environment(Tier::Stage, HOST), &references).unwrap().routing.unwrap();
    assert_eq!(routing.url(), "https://chat.example.org");
    let expected = Certificate::Issuer { annotation: "cert-manager.io/cluster-issuer", name: "letsencrypt".to_owned() };
    assert_eq!(routing.certificate, Some(expected));
}

#[test]
fn there_is_no_way_without_tls_where_the_tier_wants_it_and_no_address_that_claims_it() {
    let gateway = |section: &str| format!("{HOST}  routing: {{gateway: {{name: public{section}}}}}\n");
    let (open, secure) = (gateway(""), gateway(", sectionName: https"));
    let nothing = Apis::default();
    let with_gateway = Apis { gateway: true, ..nothing };
    let plain = Some("http://chat.example.org".to_owned());
    let encrypted = Some("https://chat.example.org".to_owned());
    let cases = [
        (Tier::Stage, HOST, nothing, "tls.issuerRef", None),
        (Tier::Dev, HOST, nothing, "tls.issuerRef", plain.clone()),
        (Tier::Stage, "  host: chat.example.org\n", nothing, "host", None),
        (Tier::Stage, secure.as_str(), nothing, "routing.gateway", None),
        (Tier::Stage, open.as_str(), with_gateway, "routing.gateway.sectionName", None),
        (Tier::Dev, open.as_str(), with_gateway, "routing.gateway.sectionName", plain),
        (Tier::Stage, secure.as_str(), with_gateway, "tls", encrypted),
    ];
    for (tier, more, apis, field, url) in cases {
        let resolved = resolve(&environment(tier, more), &References { apis, ..complete() }).unwrap();
        assert!(resolved.not_acted_on.iter().any(|it| it.field == field), "{tier} {field}");
        assert_eq!(resolved.routing.map(|routing| routing.url()), url, "{tier} {field}");
    }
}
