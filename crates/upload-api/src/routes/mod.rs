//! The routes: one module for each operation of the OpenAPI document.
//!
//! Each module holds the operation's handler, the problems it can answer and its description, whose method and path are the
//! route's. [`table`] lists them all; router, `openapi.json` and `routes.json` follow it.

mod count_labels;
pub(crate) mod create_image;
pub(crate) mod create_upload;
mod delete_image;
mod health;
pub(crate) mod list_images;
pub(crate) mod openapi;
pub(crate) mod read_image;
pub(crate) mod read_result;
mod read_thumbnail;
pub(crate) mod route;

use self::route::Route;
use crate::Ports;

/// Every route, in the order of `routes.json`.
pub(crate) fn table<P: Ports>() -> Vec<Route<P>> {
    vec![
        create_upload::route(),
        create_image::route(),
        list_images::route(),
        read_image::route(),
        delete_image::route(),
        read_result::route(),
        read_thumbnail::route(),
        count_labels::route(),
        health::route(),
        openapi::route(),
    ]
}
