//! The operator's token is the one that the chatbot expects.

use secrecy::{ExposeSecret, SecretString};

const KEY: &str = "a key of at least thirty-two characters";

fn is_known(key_of_the_operator: &str, key_of_the_chatbot: &str) -> bool {
    let (operator, chatbot) = (SecretString::from(key_of_the_operator), SecretString::from(key_of_the_chatbot));
    let made = chatbot_operator::check_token::token(&operator, "0123456789");
    chatbot::check_token::is_token(made.expose_secret(), &chatbot, "0123456789")
}

#[test]
fn a_server_knows_the_operator_by_its_token() {
    assert!(is_known(KEY, KEY));
}

/// The chatbot reads its variables without white space around them, the operator reads the Secret as it is.
#[test]
fn white_space_around_the_key_makes_no_other_token() {
    for around in [format!("{KEY}\n"), format!(" \t{KEY}"), format!("\r\n {KEY} \u{a0}\n")] {
        assert!(is_known(&around, KEY), "{around:?}: the operator's has it");
        assert!(is_known(KEY, &around), "{around:?}: the chatbot's has it");
    }
    assert!(!is_known(&KEY.replace(' ', ""), KEY), "white space inside is a part of it");
}
