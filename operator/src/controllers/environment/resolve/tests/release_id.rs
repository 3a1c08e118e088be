//! What makes another release, and what does not.

use super::*;

#[test]
fn a_release_id_is_ten_hexadecimal_digits() {
    let id = fixtures::resolved(Tier::Dev).release_id;
    assert_eq!(id.len(), 10);
    assert!(id.chars().all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase()), "{id}");
}

#[test]
fn image_settings_and_secret_make_a_new_release() {
    let old = fixtures::resolved(Tier::Dev).release_id;
    let mut other_image = minimal(Tier::Dev);
    other_image.spec.image = "registry.example/acme/chatbot:1.4.1".to_owned();
    let other_settings = environment(Tier::Dev, "  settings: {LLM_MODEL: other}\n");
    for (what, environment, references) in [
        ("image", other_image, complete()),
        ("settings", other_settings, complete()),
        ("secret", minimal(Tier::Dev), changed("SECRET_KEY", "another-key")),
    ] {
        assert_ne!(resolve(&environment, &references).unwrap().release_id, old, "{what}");
    }
}

proptest! {
    #[test]
    fn size_is_no_release(replicas in 0..100, workers in 1..64_u32, high in 0..100_u32, drain in 1..86_400_u32, cpu in 1..64) {
        let more = format!(
            "  app: {{replicas: {replicas}, workers: {workers}, resources: {{limits: {{cpu: {cpu}}}}}}}\n  \
             worker: {{replicas: {replicas}, drainTimeout: {drain}s, queues: {{high: {high}}}}}\n"
        );
        let resolved = resolve(&environment(Tier::Dev, &more), &complete()).unwrap();
        prop_assert_eq!(resolved.release_id, fixtures::resolved(Tier::Dev).release_id);
    }

    #[test]
    fn different_variables_have_different_ids(left in prop::collection::vec(("[A-C]{1,3}", "[A-C]{0,3}"), 0..4), right in prop::collection::vec(("[A-C]{1,3}", "[A-C]{0,3}"), 0..4)) {
        let same = left.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() == right.iter().cloned().collect();
        let ids = (super::super::release_id::release_id("image", &variables(&left)), super::super::release_id::release_id("image", &variables(&right)));
        prop_assert_eq!(ids.0 == ids.1, same);
    }
}
