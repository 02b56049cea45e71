//! The index behind the [`Search`](parlour_core::ports::search::Search) port, over tantivy: words,
//! where they stand, and what messages are filtered by. No text is kept as such, and nothing here
//! decides who may read what. All of it can be made again from the logs.

mod index;
pub mod limits;
mod query;
mod schema;
mod top;
mod writer;

pub use index::{Index, Options};
