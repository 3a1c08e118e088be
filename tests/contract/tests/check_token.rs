//! The operator's token is the one that the chatbot expects.

use secrecy::{ExposeSecret, SecretString};

#[test]
fn a_server_knows_the_operator_by_its_token() {
    let key = SecretString::from("a key of at least thirty-two characters");
    let made = chatbot_operator::check_token::token(&key, "0123456789");
    assert!(chatbot::check_token::is_token(made.expose_secret(), &key, "0123456789"));
}
