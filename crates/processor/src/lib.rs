//! Lambda 2: turns S3 events into result documents.
//!
//! # Guarantees
//!
//! Events arrive at least once, in any order, sometimes late. For every version of an object under
//! `uploads/`, the recogniser is asked once and one result remains; an older answer never replaces a newer
//! one. No database is needed for this. It rests on three things that S3 does atomically:
//!
//! 1. **The result names the version it answers.** An event for that version or an older one needs no
//!    processing. See [`version`](sightline_pipeline::version) for how versions compare. The worker looks
//!    before it takes the lease and again afterwards, because another worker may have finished in between.
//! 2. **A lease lets one worker at a time ask** about one key: an object created with `If-None-Match: *`,
//!    and replaced with `If-Match` only when it has expired. Another worker's event for the same key waits a
//!    little and is then retried, even for a newer version: the older one's result is a second away. The
//!    lease is valid until the end of the invocation, and work ends before that, so no worker acts under a
//!    lease that another could have taken over.
//! 3. **The result is written conditionally**, in place of exactly what the worker saw there. If that has
//!    changed, the worker looks again and yields unless the stored result is older.
//!
//! Asked once means once with success. A worker that dies between asking and writing leaves no trace of the
//! answer, so the next worker asks again. A worker that fails in an orderly way, because another call about the same
//! image was throttled or the result could not be written, saves its answers in the lease object, and the
//! next worker asks only for the rest.
//!
//! The worker looks at the object before it asks. If the object is gone, nothing has to be done. If it was
//! replaced, the event is stale and the replacement has an event of its own. So **delete and upload again**
//! under the same key is answered for the second upload only, unless the first was answered before. The
//! stored result is then replaced, because the second upload's sequencer is higher, even if its bytes are
//! the same. To have a version answered again, delete its result and resend its event.
//!
//! **The index** is updated after the document is written. It refuses images that were deleted by order in
//! the meantime; the document is removed then. If a worker dies before, or the index fails, the message is
//! retried: the stored document is added to the index, and the recogniser is not asked.
//!
//! # Failures
//!
//! - **Throttling, 5xx, time-outs, lost connections**: nothing is written, and the message is retried. An
//!   event without a queue fails the invocation, which Lambda repeats.
//! - **An image that cannot be analysed** (empty, not an image, damaged, truncated, in a format that cannot be
//!   decoded, too small, too large to decode, not readable for the processor): a result with status `failed`
//!   at once, without a call.
//! - **Some analyses refused for good**: a result with status `partial`; all of them: `failed`.
//! - **A message that cannot be understood** is reported as failed like one that has to be retried. After as
//!   many deliveries as the queue allows it is in the dead-letter queue, where a person finds it. It delays no
//!   other message.
//! - **No time left**: images that cannot be begun or finished in time are retried.

pub mod event;

mod deadlines;
mod handler;
mod lease;
mod options;
mod outcome;
mod result_slot;
mod source;
mod thumbnail;
mod worker;

#[cfg(test)]
mod tests;

pub use handler::{HandlerError, Invocation, Processor};
pub use options::{Clock, Options};
pub use outcome::RetryableFailure;
