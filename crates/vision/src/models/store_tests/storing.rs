//! Removing and checking installed models.

use std::fs;
use std::path::Path;

use super::world::{NSFW, World, always, entry, leak};
use crate::models::catalogue::CatalogueEntry;
use crate::models::{ModelName, ModelStatus, ModelStore, VerifyError};

/// Changes the folder of an installed model.
type Damage = fn(&Path);

#[test]
fn removing_a_model_removes_its_folder() {
    let world = World::new();
    let store = world.store();
    assert!(!store.remove(ModelName::Objects).unwrap());
    assert!(!world.path("models").exists());
    world.install(ModelName::Objects).unwrap();
    world.install(ModelName::Moderation).unwrap();
    assert!(store.remove(ModelName::Objects).unwrap());
    assert_eq!(world.models(), [".lock", "moderation"]);
    assert_eq!(
        store.verify(ModelName::Objects),
        Err(VerifyError::Absent(ModelName::Objects))
    );
}

#[test]
fn a_damaged_model_is_not_found_and_is_installed_again() {
    let world = World::new();
    let store = world.store();
    let damage: [(&str, Damage); 6] = [
        ("objects.onnx has been changed", |dir| {
            let path = dir.join("objects.onnx");
            let mut bytes = fs::read(&path).unwrap();
            bytes[3] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("objects.onnx has 5 bytes instead of 14", |dir| {
            fs::write(dir.join("objects.onnx"), "GRAPH").unwrap();
        }),
        ("objects.onnx cannot be read", |dir| {
            fs::remove_file(dir.join("objects.onnx")).unwrap();
        }),
        ("licences/NOTICE.txt has been changed", |dir| {
            let path = dir.join("licences/NOTICE.txt");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("MIT", "GPL")).unwrap();
        }),
        ("manifest.json cannot be read", |dir| {
            fs::remove_file(dir.join("manifest.json")).unwrap();
        }),
        ("manifest.json is damaged", |dir| {
            let path = dir.join("manifest.json");
            let json = fs::read(&path).unwrap();
            fs::write(path, &json[..json.len() - 3]).unwrap();
        }),
    ];
    for (expected, damage) in damage {
        let model = world.install(ModelName::Objects).unwrap();
        damage(model.dir());
        assert_eq!(store.find(ModelName::Objects), None, "{expected}");
        let error = store.verify(ModelName::Objects).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("sightline models fetch objects"),
            "{error}"
        );
    }
    world.install(ModelName::Objects).unwrap();
    assert!(store.verify(ModelName::Objects).is_ok());
    assert_eq!(world.models(), [".lock", "objects"]);
}

#[test]
fn a_file_that_changes_after_the_model_was_found_is_not_read() {
    let world = World::new();
    let model = world.install(ModelName::Moderation).unwrap();
    fs::write(model.dir().join("nsfw.onnx"), "another").unwrap();
    let error = model.read("nsfw.onnx").unwrap_err().to_string();
    assert!(
        error.contains("sightline models fetch moderation"),
        "{error}"
    );
}

#[test]
fn a_model_of_another_catalogue_is_installed_again() {
    let world = World::new();
    world.install(ModelName::Objects).unwrap();
    let other = World::with(always, NSFW);
    let changed: Vec<_> = vec![CatalogueEntry {
        revision: 2,
        packages: other.catalogue[0].packages,
        files: other.catalogue[0].files,
        ..entry(ModelName::Objects, Vec::new(), Vec::new(), always)
    }];
    let store = ModelStore::with_catalogue(world.path("models"), leak(changed.into_boxed_slice()));
    let status = store.status(ModelName::Objects);
    assert!(
        matches!(&status, ModelStatus::Unusable(reason) if reason.contains("another version")),
        "{status:?}"
    );
}
