//! chatbot.
