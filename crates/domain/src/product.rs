//! Products: what a key may be used for.

use crate::{bit_set, named_enum};

named_enum! {
    /// One product of the speech API; the `type` of a mint.
    Product {
        /// The batch Jobs API.
        Batch = "batch",
        /// The realtime WebSocket.
        Rt = "rt",
        /// Text to speech.
        Tts = "tts",
        /// The former Flow API.
        Flow = "flow",
    }
}

bit_set! {
    /// The products that a key may be used for.
    ProductSet of Product in u8
}

impl ProductSet {
    /// What a key is made for unless told otherwise.
    pub const fn default_for_keys() -> Self {
        Self::EMPTY.with(Product::Batch).with(Product::Rt)
    }
}
