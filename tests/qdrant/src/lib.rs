//! A stand-in for the Qdrant server, for tests only: the part of Qdrant's REST API that this project uses, on Qdrant's
//! own engine (crate `qdrant-edge`). It exists because no package registry has the server. What it leaves out is listed
//! in the README.

mod answer;
mod collections;
mod engine;
mod own;
mod points;
mod query;
mod server;

pub use own::Own;
pub use server::{Running, Settings, StartError, start};
