//! The report of a job: what was ordered, what became of every chip, how long cards took, why chips were rejected, and how it went over time.
//!
//! [`facts`] are read from the journal, [`document`] says them in words, tables and charts, and the same document is written as Markdown and as
//! HTML.

mod chart;
mod document;
mod facts;
mod html;
mod markdown;
mod scale;
mod words;

pub(crate) use document::Document;
pub(crate) use facts::JobFacts;
pub(crate) use html::html;
pub(crate) use markdown::markdown;
