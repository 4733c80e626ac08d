//! Which parts of the API a deployment has.

/// A part of the API that a deployment may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Every deployment has it.
    Base,
    /// Images in requests (`IMAGE_REQUESTS`).
    ImageRequests,
    /// The stream of events, which the local mode alone has.
    Events,
    /// Guests (`GUEST_IDENTITY_POOL`).
    Guests,
}

/// The parts that a deployment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Whether callers sign in (`ACCESS=owner`).
    pub(crate) sign_in: bool,
    /// [`Part::ImageRequests`].
    pub(crate) image_requests: bool,
    /// [`Part::Events`].
    pub(crate) events: bool,
    /// [`Part::Guests`].
    pub(crate) guests: bool,
}

impl Offer {
    /// Whether a part is there.
    pub(crate) const fn has(self, part: Part) -> bool {
        match part {
            Part::Base => true,
            Part::ImageRequests => self.image_requests,
            Part::Events => self.events,
            Part::Guests => self.guests,
        }
    }
}
