//! Audio: containers, samples, loudness, segments of speech.

pub(crate) mod level;
pub(crate) mod resample;
pub(crate) mod sample;
pub(crate) mod segment;
pub(crate) mod wav;
