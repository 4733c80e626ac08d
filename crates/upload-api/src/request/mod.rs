//! Reads requests: the body, its members, the key in the path, the query.

pub(crate) mod body;
pub(crate) mod key;
pub(crate) mod members;
pub(crate) mod query;
