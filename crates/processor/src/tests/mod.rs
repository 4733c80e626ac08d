//! The processor over in-memory ports.

mod events;
mod failures;
mod golden;
mod index;
mod leases;
mod limits;
mod messages;
mod once;
mod pauses;
mod preparation;
mod support;
