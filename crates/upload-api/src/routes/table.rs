//! The list of all routes. The router, `openapi.json` and `routes.json` follow it.

use super::{
    count_labels, create_image, create_upload, definition::Route, delete_image, health,
    list_images, openapi, read_events, read_image, read_result, read_thumbnail,
};
use crate::{Ports, offer::Offer};

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
        read_events::route(),
        health::route(),
        openapi::route(),
    ];
    routes.retain(|route| offer.has(route.part));
    routes
}
