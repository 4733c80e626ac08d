//! Pipes, sockets and devices that are named where a picture is wanted.

use std::fs::FileType;
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt as _;

/// Why a special file is not read; `None` for a regular file or a folder. Its bytes can be read once at most, and may
/// never come or never end, but an upload reads a file first for its checksum and then to send it.
pub(crate) fn special(kind: FileType) -> Option<String> {
    #[cfg(unix)]
    let name = {
        if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        }
    };
    #[cfg(not(unix))]
    let name = "no regular file";
    (!kind.is_file() && !kind.is_dir())
        .then(|| format!("this is {name}; save the picture in a file and name that"))
}
