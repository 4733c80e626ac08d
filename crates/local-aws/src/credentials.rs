//! The keys of clients.

use std::fmt;

/// A pair of keys that the endpoint accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key that the client names in the request.
    pub access_key_id: String,
    /// The secret that the client signs with. It is never sent or logged.
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
