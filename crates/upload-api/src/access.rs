//! Who calls, and which images they may see (`ACCESS`).
//!
//! Only behind API Gateway's authorizers does the function know its callers. An authorizer checks the token or the signature
//! before it invokes the function, and passes the caller in the event, where no header of a request can reach (Amazon API
//! Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "Control access to HTTP APIs with IAM
//! authorization"). A route has one authorizer, so guests have routes of their own, under [`GUEST_PREFIX`].
//!
//! For a caller, a key of somebody else is the same as a key that does not exist.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use sightline_pipeline::{Owner, SourceKey, config::Access};

use crate::{Api, Code, Ports, Problem};

/// The claim `sub` of the request's token, which the gateway has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject(pub(crate) String);

/// The prefix of the routes for guests.
pub(crate) const GUEST_PREFIX: &str = "/guest";

/// The identity that signed the request, which the gateway has checked. Requests carry it as an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestIdentity {
    /// The id of the identity, such as `eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11`.
    pub identity_id: String,
    /// The id of its identity pool, of the same form.
    pub identity_pool_id: String,
}

/// Marks a request to a route under [`GUEST_PREFIX`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestRoute;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Anyone; all images belong to everyone.
    Anyone,
    /// Someone who may read the images whose keys they know.
    KeyHolder,
    /// Someone with images of their own.
    Owner(Owner),
}

impl Caller {
    /// `guest_pool` is the identity pool of the guests.
    fn identify(
        access: Access,
        guest_pool: Option<&str>,
        request: &Extensions,
    ) -> Result<Self, Problem> {
        if request.get::<GuestRoute>().is_some() {
            let owner = request
                .get::<GuestIdentity>()
                .filter(|guest| guest_pool == Some(guest.identity_pool_id.as_str()))
                .and_then(|guest| Owner::guest(&guest.identity_id).ok());
            return owner.map(Self::Owner).ok_or_else(no_guest_identity);
        }
        match access {
            Access::Open => Ok(Self::Anyone),
            Access::Unlisted => Ok(Self::KeyHolder),
            Access::Owner => {
                let Subject(subject) = request.get::<Subject>().ok_or_else(unauthenticated)?;
                let owner = Owner::signed_in(subject).map_err(|_| invalid_subject())?;
                Ok(Self::Owner(owner))
            }
        }
    }

    /// The owner of the caller's new images; `None` if images have no owners.
    pub(crate) const fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Owner(owner) => Some(owner),
            Self::Anyone | Self::KeyHolder => None,
        }
    }

    /// Whether the caller may read the image with this key.
    pub(crate) fn may_read(&self, key: &SourceKey) -> bool {
        self.owner().is_none_or(|owner| key.is_of(owner))
    }

    /// Rejects operations for which knowing a key is not enough. `operation` is such as `list images`.
    pub(crate) fn authorize(&self, operation: &str) -> Result<(), Problem> {
        match self {
            Self::Anyone | Self::Owner(_) => Ok(()),
            Self::KeyHolder => Err(forbidden(operation)),
        }
    }
}

/// The request does not say who calls.
pub(crate) fn unauthenticated() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "This service shows callers only their own images, and you are not signed in. Sign in, and send your token as \"Authorization: Bearer …\".",
    )
}

fn invalid_subject() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "The claim sub of your token is empty, longer than 255 bytes, has control characters or has the form of a guest's identity, so you cannot own images. Sign in again, or tell the operator of this service.",
    )
}

/// The request for a route of guests was not signed by a guest.
pub(crate) fn no_guest_identity() -> Problem {
    Problem::new(
        Code::NoGuestIdentity,
        "The request was not signed by a guest of this service. Get temporary credentials from the identity pool that config.json names, and sign the request with them.",
    )
}

/// The service lets nobody do this.
pub(crate) fn forbidden(operation: &str) -> Problem {
    Problem::new(
        Code::Forbidden,
        format!(
            "This service lets nobody {operation}. You can read an image if you know its key (ACCESS is unlisted)."
        ),
    )
}

impl<P: Ports> FromRequestParts<Arc<Api<P>>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        api: &Arc<Api<P>>,
    ) -> Result<Self, Self::Rejection> {
        let guest_pool = api.config.guest_identity_pool.as_deref();
        Self::identify(api.config.access, guest_pool, &parts.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identify(access: Access, subject: Option<&str>) -> Result<Caller, Problem> {
        let mut request = Extensions::new();
        if let Some(subject) = subject {
            request.insert(Subject(subject.to_owned()));
        }
        Caller::identify(access, None, &request)
    }

    #[test]
    fn callers_are_identified_only_where_images_have_owners() {
        let mine = SourceKey::new("uploads/anne/a.jpg").unwrap();
        let common = SourceKey::new("uploads/a.jpg").unwrap();
        for subject in [None, Some("anne")] {
            let anybody = identify(Access::Open, subject).unwrap();
            assert!(anybody.owner().is_none() && anybody.may_read(&mine));
            assert_eq!(anybody.authorize("list images"), Ok(()));
            let holder = identify(Access::Unlisted, subject).unwrap();
            assert!(holder.owner().is_none() && holder.may_read(&common));
            let rejected = holder.authorize("list images").unwrap_err();
            assert_eq!(rejected.code(), Code::Forbidden);
        }
        let anne = identify(Access::Owner, Some("anne")).unwrap();
        assert_eq!(anne.owner().map(Owner::as_str), Some("anne"));
        assert!(anne.may_read(&mine) && !anne.may_read(&common));
        assert_eq!(anne.authorize("list images"), Ok(()));
        let other = identify(Access::Owner, Some("ann")).unwrap();
        assert!(!other.may_read(&mine));
        for subject in [None, Some(""), Some("an\nne")] {
            let rejected = identify(Access::Owner, subject).unwrap_err();
            assert_eq!(rejected.code(), Code::Unauthenticated);
        }
    }
}
