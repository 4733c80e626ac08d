//! Lambda 2: turns S3 events into result documents.
//!
//! # Guarantees
//!
//! Events arrive at least once, in any order, and sometimes late. For every version of an object under
//! `uploads/`, the recogniser is asked once and one result remains. An older result never replaces a newer
//! one. This needs no database. It relies on three atomic operations of S3:
//!
//! 1. **The result names the version of the image.** An event for that version or an older one needs no
//!    processing. [`version`](sightline_pipeline::version) explains how versions compare. The worker checks
//!    under the lease, because before, another worker may be about to finish.
//! 2. **A lease lets one worker at a time process a key.** The lease is an object that is created with
//!    `If-None-Match: *` and replaced with `If-Match` only after it has expired. A worker that finds the lease
//!    held waits a little, then the message is retried, even for a newer version: the result of the older
//!    one arrives soon. The lease is valid until the end of the invocation, and work ends before that, so no
//!    worker acts under a lease that another could have taken over.
//! 3. **The result is written on a condition**: it replaces exactly the result that the worker read. If that has
//!    changed, the worker reads again and yields unless the stored result is older.
//!
//! The recogniser succeeds once, but it may be called more often. A worker that dies between the call and the
//! write leaves no trace of the answer, so the next worker calls again. A worker that fails in an orderly way,
//! because another call for the same image was throttled or the result could not be written, saves its answers in
//! the lease object, and the next worker asks only for the rest.
//!
//! The worker looks at the object first. If the object is gone, there is nothing to do. If it was replaced,
//! the event is stale, and the replacement has an event of its own. So after **delete and upload again** under the
//! same key, only the second upload gets a result, unless the first has one already. That result is then
//! replaced, because the second upload's sequencer is higher, even if its bytes are the same. To have a
//! version analysed again, delete its result and resend its event.
//!
//! **The index** is updated after the document is written. If a user deleted the image in the meantime, the index
//! rejects it, and the document is deleted. If a worker dies first, or the index fails, the message is
//! retried: the stored document is added to the index, and the recogniser is not called. When a lifecycle rule deletes a
//! document, the row of that document leaves the index.
//!
//! # Failures
//!
//! - **Throttling, 5xx, time-outs, lost connections**: nothing is written, and the message is retried after a pause of its
//!   own ([`retries`](sightline_pipeline::retries)). Without a queue the invocation fails, and Lambda repeats it.
//! - **An image that cannot be analysed** (empty, not an image, damaged, truncated, in a format without a
//!   decoder, too small, too large to decode, not readable by the processor): a result with status `failed`
//!   at once, without a call.
//! - **Final errors of analyses**: a result with status `partial`, or `failed` if no analysis succeeded.
//! - **A message that cannot be read** is reported as failed, like one that has to be retried. After the queue's
//!   last delivery it is in the dead-letter queue, where a person finds it. It delays no other message.
//! - **No time left**: images that cannot be begun or finished in time are retried.

pub mod event;

mod deadlines;
mod expiry;
mod handler;
mod lease;
mod options;
mod outcome;
mod renditions;
mod result_slot;
mod source;
mod worker;

#[cfg(test)]
mod tests;

pub use handler::{HandlerError, Invocation, Processor};
pub use options::{Clock, Options};
pub use outcome::RetryableFailure;
