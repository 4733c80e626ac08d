//! The routes: one module for each operation of the OpenAPI document, with its handler, the problems it can
//! answer and its description. [`table`](table::table) lists them all.

mod count_labels;
mod create_handover;
pub(crate) mod create_image;
pub(crate) mod create_upload;
pub(crate) mod definition;
pub(crate) mod delete_image;
mod health;
pub(crate) mod list_images;
pub(crate) mod openapi;
mod read_events;
pub(crate) mod read_image;
pub(crate) mod read_result;
mod read_thumbnail;
pub(crate) mod table;
mod take_handover;
