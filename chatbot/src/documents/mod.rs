//! Uploads of several kinds become one text, and none of them can harm who reads it.
//!
//! ```text
//! kind       what an upload is: by its content first, then by its name, then by what the client says
//! encoding   bytes -> text
//! parse      the content of one kind -> text with headings as Markdown; pure, and run in a child process only
//! html, docx, pdf                                              one kind each
//! order      lines of a page whose letters were painted from left to right, whatever they read like
//! limits     what the child may use
//! parser     the worker's side of it: a child process per document
//! ```

mod docx;
pub mod encoding;
mod html;
pub mod kind;
pub mod limits;
mod order;
pub mod parse;
pub mod parser;
mod pdf;

pub use kind::Kind;
pub use limits::Limits;
pub use parse::ParseError;
pub use parser::{Parser, ParserError};
