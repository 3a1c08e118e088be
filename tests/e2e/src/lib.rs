//! What the end-to-end tests share: the cluster under test, the product installed on it by Helm, environments of their
//! own namespace, and ways to ask, break and mend. It uses the programs a person would use (kubectl, helm, the plugin).

pub mod apiserver;
pub mod asker;
pub mod cluster;
pub mod environment;
pub mod forward;
pub mod ledger;
pub mod node;
pub mod operator;
pub mod postgres;
pub mod shell;
pub mod toolbox;
pub mod until;
pub mod upstream;

pub use cluster::Cluster;
pub use environment::Environment;
pub use until::until;
