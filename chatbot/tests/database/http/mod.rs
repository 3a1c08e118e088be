//! The API over real HTTP, with PostgreSQL, Qdrant, a scripted model and a worker.

mod answers;
mod chat;
mod conversations;
mod documents;
mod history;
mod openai;
mod protocol;
mod search;
mod world;
