//! Who calls, and which images are theirs to see (`ACCESS`).
//!
//! Callers are told apart only behind API Gateway's JWT authorizer, which has checked the token before
//! the function is invoked and hands on its claims in the event, where no header of a request can reach
//! (Amazon API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers").
//!
//! A key that is not the caller's is answered like one that nothing lies under.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use sightline_pipeline::{Owner, SourceKey, config::Access};

use crate::{Api, Code, Ports, Problem};

/// The claim `sub` of the token that came with a request, once it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject(pub(crate) String);

/// Who calls, as far as it makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Everything is everybody's.
    Anybody,
    /// Somebody who sees what they know the key of.
    KeyHolder,
    /// Somebody with images of their own.
    Owner(Owner),
}

impl Caller {
    fn of(access: Access, request: &Extensions) -> Result<Self, Problem> {
        match access {
            Access::Open => Ok(Self::Anybody),
            Access::Unlisted => Ok(Self::KeyHolder),
            Access::Owner => request
                .get::<Subject>()
                .ok_or_else(|| {
                    Problem::new(
                        Code::Unauthenticated,
                        "This service keeps everybody's images apart and cannot tell who you are. Sign in and send the token as \"Authorization: Bearer …\".",
                    )
                })
                .and_then(|Subject(subject)| {
                    Owner::from_subject(subject).map_err(|_| {
                        Problem::new(
                            Code::Unauthenticated,
                            "The token's sub is empty, longer than 255 bytes or holds control characters, so it can own no images. Sign in again, or tell who runs the service.",
                        )
                    })
                })
                .map(Self::Owner),
        }
    }

    /// Whose new images are; `None` where images have no owners.
    pub(crate) const fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Owner(owner) => Some(owner),
            Self::Anybody | Self::KeyHolder => None,
        }
    }

    /// Whether the caller, who knows this key, may read what lies under it.
    pub(crate) fn sees(&self, key: &SourceKey) -> bool {
        self.owner().is_none_or(|owner| key.is_of(owner))
    }

    /// Refuses what a key alone does not allow: `what`, such as "lists images".
    pub(crate) fn more_than_a_key(&self, what: &str) -> Result<(), Problem> {
        match self {
            Self::Anybody | Self::Owner(_) => Ok(()),
            Self::KeyHolder => Err(Problem::new(
                Code::Forbidden,
                format!(
                    "Here nobody {what}: who knows an image's key reads it, and that is all (ACCESS is unlisted)."
                ),
            )),
        }
    }
}

impl<P: Ports> FromRequestParts<Arc<Api<P>>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api<P>>) -> Result<Self, Problem> {
        Self::of(api.config.access, &parts.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(access: Access, subject: Option<&str>) -> Result<Caller, Problem> {
        let mut request = Extensions::new();
        if let Some(subject) = subject {
            request.insert(Subject(subject.to_owned()));
        }
        Caller::of(access, &request)
    }

    #[test]
    fn callers_are_told_apart_only_where_images_have_owners() {
        let mine = SourceKey::new("uploads/anne/a.jpg").unwrap();
        let common = SourceKey::new("uploads/a.jpg").unwrap();
        for subject in [None, Some("anne")] {
            let anybody = of(Access::Open, subject).unwrap();
            assert!(anybody.owner().is_none() && anybody.sees(&mine));
            assert_eq!(anybody.more_than_a_key("lists images"), Ok(()));
            let holder = of(Access::Unlisted, subject).unwrap();
            assert!(holder.owner().is_none() && holder.sees(&common));
            let refused = holder.more_than_a_key("lists images").unwrap_err();
            assert_eq!(refused.code(), Code::Forbidden);
        }
        let anne = of(Access::Owner, Some("anne")).unwrap();
        assert_eq!(anne.owner().map(Owner::as_str), Some("anne"));
        assert!(anne.sees(&mine) && !anne.sees(&common));
        assert_eq!(anne.more_than_a_key("lists images"), Ok(()));
        let other = of(Access::Owner, Some("ann")).unwrap();
        assert!(!other.sees(&mine));
        for subject in [None, Some(""), Some("an\nne")] {
            let refused = of(Access::Owner, subject).unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated);
        }
    }
}
