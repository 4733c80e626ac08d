//! The store with made-up packages, and with shell scripts in place of npm and pip.

mod fetching;
mod storing;
mod world;
