//! The processor over ports in memory.

mod events;
mod flows;
mod golden;
mod index;
mod support;
