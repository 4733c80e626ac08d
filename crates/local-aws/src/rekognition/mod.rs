//! Rekognition's JSON 1.1 protocol over the embedded recogniser.

use crate::{Body, access_log::AccessLog, settings::Credentials, store::Store};
use http::{Request, Response};
use sightline_vision::Recogniser;
use std::sync::Arc;

/// What answering a Rekognition request needs; made once by the server.
pub(crate) struct RekognitionState {
    /// The objects that `S3Object` names.
    pub(crate) store: Store,
    /// What looks at the pictures.
    pub(crate) recogniser: Arc<Recogniser>,
    /// The keys that requests must be signed with (service `rekognition`).
    pub(crate) credentials: Credentials,
    /// The region named in ARNs.
    pub(crate) region: String,
    /// Where every call is recorded, refused ones too.
    pub(crate) access_log: AccessLog,
}

/// Answers one request whose `X-Amz-Target` starts with `RekognitionService.`; never fails: a refusal is an
/// answer too.
pub(crate) async fn handle(state: Arc<RekognitionState>, request: Request<Body>) -> Response<Body> {
    let _ = (state, request);
    Response::new(Body::empty())
}
