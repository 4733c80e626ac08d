//! Percent-encoding in URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// [`RESERVED`] without the slash, for keys and paths.
pub const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');
