//! Lambda 2: turns S3's events into result documents.
//!
//! # What is promised
//!
//! Events come at least once, in any order, sometimes late. For every version of an object under
//! `uploads/`, the recogniser is asked once and one result stands; a result never gives way to an
//! older one. Without a database, this rests on three things S3 does atomically:
//!
//! 1. **The result tells which version it answers.** An event whose version is answered, or older
//!    than the one answered, is done. See [`version`] for what makes two versions the same or one
//!    newer. This is looked up before and again after the lease is taken, because in between
//!    another worker may have finished.
//! 2. **A lease lets one worker at a time ask** about one key: an object created with
//!    `If-None-Match: *`, replaced with `If-Match` only when it has run out. Another worker's event
//!    for the same key waits a little, then comes again; for a newer version too, since the older
//!    one's answer is a second away. The lease runs until the end of the invocation, and work ends
//!    before, so no worker acts on a lease that another could have taken over.
//! 3. **The result is written conditionally**, in place of just what was seen there. When that has
//!    changed, it is looked at again and given way to unless it is older.
//!
//! Asked once means: once with success. A worker that dies between asking and writing leaves no
//! trace of the answer, so the next asks again. A worker that fails in an orderly way, because
//! another question about the same picture was throttled or the result could not be written,
//! parks the answers it has in the lease object, and the next asks only for the rest.
//!
//! Before anything is asked, the object is looked at: if it is gone, there is nothing to do; if it
//! is another than the event announces, the event is stale and the one that announces the
//! replacement is under way. So **delete and upload again** under the same key is answered for the
//! second upload only, unless the first was answered before; the standing result is then replaced,
//! because the second upload's sequencer is higher, even when its bytes are the same. To have a
//! version answered anew, delete its result and send its event again.
//!
//! **The index** is told after the document is written, and refuses what was deleted by order
//! meanwhile; the document is taken back then. A worker that dies before, or an index that fails, has the
//! message come again: the document that stands is entered then, and nothing is asked.
//!
//! # What becomes of failures
//!
//! - **Throttling, 5xx, time-outs, lost connections**: nothing is written, and the message comes
//!   again. An event without a queue fails the invocation, which Lambda repeats.
//! - **A picture that cannot be analysed** (empty, no picture, damaged, cut off, in a format that
//!   nothing here decodes, too small, too large to decode, not readable for the processor): a result
//!   with status `failed` at once, without a call.
//! - **Some analyses refused for good**: a result with status `partial`; all of them: `failed`.
//! - **A message that cannot be understood** is reported as failed like one that has to come
//!   again: after as many deliveries as the queue allows it lies in the dead-letter queue, where a
//!   person finds it. It holds up no other message.
//! - **No time left**: images not begun early enough, and those not finished in time, come again.

pub mod event;

mod claim;
mod handler;
mod results;
mod source;
mod thumbnail;
mod work;

#[cfg(test)]
mod tests;

pub use sightline_pipeline::version;

pub use handler::{Clock, HandlerError, Invocation, Options, Processor};
pub use work::Setback;
