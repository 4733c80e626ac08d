//! What a picture's first bytes say: its format, size and orientation.
