//! kubectl-chatbot
fn main() {}
