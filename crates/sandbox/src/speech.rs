//! Words: where they come from, when they are spoken, how they are written down.

pub(crate) mod language;
pub(crate) mod recognizer;
pub(crate) mod results;
pub(crate) mod subtitles;
pub(crate) mod words;
