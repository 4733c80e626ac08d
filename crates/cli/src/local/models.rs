//! The installed models of `sightline local`.

use sightline_vision::models::{
    FetchError, InstalledModel, ModelName, ModelStatus, ModelStore, Step, fetch_missing,
};

use super::args::LocalArgs;
use crate::models::progress::FetchProgress;

/// The models to use, and what a person should know about the others.
#[derive(Default)]
pub(super) struct Installed {
    pub(super) models: Vec<InstalledModel>,
    /// Sentences for the start message.
    pub(super) notes: Vec<String>,
}

/// The installed models. With `--fetch-models`, fetches the missing ones first; a failure is a note, and no error, so that
/// the server starts with what it has.
///
/// Without a folder for models, there are none.
pub(super) fn find(args: &LocalArgs) -> Installed {
    let mut found = Installed::default();
    let store = match args.models_dir.store() {
        Ok(store) => store,
        Err(error) => {
            found
                .notes
                .push(format!("Installed models are not used: {error}."));
            return found;
        }
    };
    if args.fetch_models
        && let Err(error) = fetch(&store)
    {
        let note = format!("Not all models could be fetched: {error}.");
        found.notes.push(note);
    }
    for name in ModelName::ALL {
        match store.status(name) {
            ModelStatus::Installed(model) => found.models.push(model),
            ModelStatus::Absent => {}
            ModelStatus::Unusable(reason) => found.notes.push(format!(
                "The model \"{name}\" is not used, because {reason}; `sightline models fetch {name}` installs it again."
            )),
        }
    }
    found
}

/// Fetches the missing models. Shows the steps, but not the errors, because the start message has the first of them.
fn fetch(store: &ModelStore) -> Result<(), FetchError> {
    let progress = FetchProgress::new(store, &ModelName::ALL);
    fetch_missing(store, &ModelName::ALL, &|name, step| {
        if !matches!(step, Step::Failed(_)) {
            progress.show(name, step);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    #[test]
    fn an_empty_folder_has_no_models_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        let args: LocalArgs = parse(&["--models-dir", dir]).unwrap();
        let found = find(&args);
        assert!(found.models.is_empty() && found.notes.is_empty());

        std::fs::create_dir(folder.path().join("faces")).unwrap();
        let found = find(&args);
        assert!(found.models.is_empty());
        let [note] = found.notes.as_slice() else {
            panic!("{:?}", found.notes);
        };
        assert!(
            note.starts_with("The model \"faces\" is not used, because ")
                && note.contains("`sightline models fetch faces`"),
            "{note}"
        );
    }
}
