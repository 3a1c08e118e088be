//! The API over real HTTP, with PostgreSQL, Qdrant, a scripted model and a worker.

mod answers;
mod chat;
mod conversations;
mod documents;
mod gate;
mod history;
mod keys;
mod limits;
mod login;
mod openai;
mod people;
mod protocol;
mod scopes;
mod search;
mod sessions;
mod world;
