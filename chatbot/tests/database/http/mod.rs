//! The API over real HTTP, with PostgreSQL, Qdrant, a scripted model and a worker.

mod chat;
mod conversations;
mod document_kinds;
mod document_versions;
mod documents;
mod protocol;
mod search;
mod world;
