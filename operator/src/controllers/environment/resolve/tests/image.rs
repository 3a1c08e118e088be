//! What an image reference tells.

use super::super::image;

#[test]
fn a_version_is_a_label() {
    let long = format!("chatbot:{}_", "1".repeat(70));
    for (image, expected) in [
        ("chatbot:1.4.0", "1.4.0".to_owned()),
        ("chatbot", "latest".to_owned()),
        (&long, "1".repeat(63)),
        ("chatbot:1.4.", "1.4".to_owned()),
    ] {
        assert_eq!(image::version(image), expected, "{image}");
    }
}
