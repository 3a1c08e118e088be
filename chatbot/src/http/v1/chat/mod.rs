//! Questions and answers.
//!
//! ```text
//! create     asks                        stop       ends an answer
//! answering  the task that answers       resume     takes up a stream again
//! relay      passes its events on        copy       keeps them in Redis
//! live       what this process makes     memory, model   the ports of `chat`
//! events, stream   what goes over the wire
//! ```

mod answering;
mod copy;
pub(super) mod create;
mod events;
mod live;
mod memory;
mod model;
mod relay;
pub(super) mod resume;
pub(super) mod stop;
mod stream;

pub(in crate::http) use answering::Answering;
pub(in crate::http) use live::Live;
pub(super) use memory::Again;
pub(in crate::http) use model::Measured;
