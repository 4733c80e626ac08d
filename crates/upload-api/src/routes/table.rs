//! The list of all routes. The router, `openapi.json` and `routes.json` follow it.

use super::{
    count_labels, create_handover, create_image, create_upload,
    definition::{Audience, Route},
    delete_image, health, list_images, openapi, read_events, read_image, read_result,
    read_thumbnail, take_handover,
};
use crate::{Ports, access::GUEST_PREFIX, offer::Offer};

/// Every route that is offered, in the order of `routes.json`.
pub(crate) fn table<P: Ports>(offer: Offer) -> Vec<Route<P>> {
    let mut routes = vec![
        create_upload::route(),
        create_image::route(),
        list_images::route(),
        read_image::route(),
        delete_image::route(),
        read_result::route(),
        read_thumbnail::route(),
        count_labels::route(),
        create_handover::route(),
        take_handover::route(),
        read_events::route(),
        health::route(),
        openapi::route(),
    ];
    routes.retain(|route| offer.has(route.part));
    routes
}

/// The same routes, and with guests those that guests have under `/guest`.
pub(crate) fn with_guests<P: Ports>(offer: Offer) -> Vec<Route<P>> {
    let mut routes = table(offer);
    if offer.guests {
        let same = table(offer)
            .into_iter()
            .filter(Route::is_for_guests_too)
            .map(|route| Route {
                path: format!("{GUEST_PREFIX}{}", route.path),
                audience: Audience::Guests,
                ..route
            });
        routes.extend(same);
    }
    routes
}
