//! chatbot.
fn main() {}
