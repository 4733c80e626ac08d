//! Helpers of the tests.

use clap::{Args, Command};

/// Parses the arguments of one command.
pub(crate) fn parse<T: Args>(arguments: &[&str]) -> Result<T, clap::Error> {
    let command = T::augment_args(Command::new("sightline").no_binary_name(true));
    T::from_arg_matches(&command.try_get_matches_from(arguments)?)
}
