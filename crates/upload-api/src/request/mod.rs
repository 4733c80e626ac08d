//! Reads requests: the body, its members, the key in the path, the query.

pub(crate) mod body;
pub(crate) mod json_members;
pub(crate) mod key;
pub(crate) mod query;
