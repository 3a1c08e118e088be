//! chatbot-operator
fn main() {}
