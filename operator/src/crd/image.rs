//! References of container images: `registry:5000/team/chatbot:1.4.0@sha256:…`.

/// The whole reference: an optional registry with port, a path, an optional tag, an optional digest.
macro_rules! pattern {
    () => {
        "^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
    };
}
pub(crate) use pattern;

/// The tag of an image reference; for a reference by digest alone the first 12 digits of the digest, and
/// `latest`, which is what a container runtime takes, where there is neither.
#[must_use]
pub fn tag(image: &str) -> String {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or(name);
    match (last.split_once(':'), digest) {
        (Some((_, tag)), _) => tag.to_owned(),
        (None, Some(digest)) => digest.trim_start_matches("sha256:").chars().take(12).collect(),
        (None, None) => "latest".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_found_beside_ports_and_digests() {
        let digest = format!("sha256:{}", "0123456789ab".repeat(6));
        for (image, expected) in [
            ("chatbot:1.4.0", "1.4.0"),
            ("registry.example:5000/team/chatbot:1.4.0", "1.4.0"),
            ("registry.example:5000/team/chatbot", "latest"),
            (&format!("team/chatbot@{digest}"), "0123456789ab"),
            (&format!("team/chatbot:1.4.0@{digest}"), "1.4.0"),
        ] {
            assert_eq!(tag(image), expected, "{image}");
        }
    }
}
