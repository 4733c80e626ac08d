//! The labels of all recognisers in one taxonomy.

use std::collections::HashMap;

use serde::Deserialize;

use crate::ModelError;
use crate::label_table::LabelTable;
use crate::objects::COLUMNS;
use crate::taxonomy::{Entry, Node, resolve};

const TAXONOMY: &[u8] = include_bytes!("../../tables/taxonomy.json");
const COCO: &[u8] = include_bytes!("../../tables/coco80.json");
const IMAGENET: &[u8] = include_bytes!("../../tables/imagenet1000.json");

/// The labels, and which class of which recogniser means which of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tables {
    /// Every label with its ancestors.
    pub(super) nodes: Vec<Node>,
    places: HashMap<String, usize>,
    /// The label of each of the detector's columns. COCO leaves ten unused.
    pub(super) objects: Vec<Option<usize>>,
    /// The label of each of the classifier's classes.
    pub(super) classes: Vec<Class>,
    /// The label of each node of the embedded model's table.
    pub(super) base: Vec<usize>,
    /// Groups of labels of which one at most is true of the same thing.
    pub(super) exclusive: Vec<Group>,
}

/// What a class of the classifier means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Class {
    /// `None` if the class is not reported.
    pub(super) label: Option<usize>,
    /// The probability below which the class counts for its label's ancestors only.
    pub(super) min: f32,
}

/// Labels that exclude each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) scope: Scope,
    pub(super) labels: Vec<usize>,
}

/// What one label at most is true of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    /// The picture.
    Picture,
    /// One person. A picture may show several.
    Person,
    /// One animal or thing. A picture may show several.
    Subject,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxonomyFile {
    /// This and the next two are for people.
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "source", default)]
    _source: String,
    #[serde(rename = "note", default)]
    _note: String,
    labels: Vec<TaxonomyLabel>,
    exclusive: Vec<ExclusiveLabels>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExclusiveLabels {
    scope: Scope,
    labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxonomyLabel {
    name: String,
    parents: Vec<String>,
    categories: Vec<String>,
    aliases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CocoFile {
    /// This and the next two are for people.
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "source", default)]
    _source: String,
    #[serde(rename = "note", default)]
    _note: String,
    classes: Vec<CocoClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CocoClass {
    id: usize,
    /// For people.
    #[serde(rename = "class")]
    _class: String,
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImagenetFile {
    /// This and the next two are for people.
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "source", default)]
    _source: String,
    #[serde(rename = "note", default)]
    _note: String,
    classes: Vec<ImagenetClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImagenetClass {
    index: usize,
    /// For people.
    #[serde(rename = "class")]
    _class: String,
    label: Option<String>,
    #[serde(default)]
    min: f32,
}

impl Tables {
    /// The tables of this crate and the labels of `base`. A label that both describe is as the crate's taxonomy has it.
    ///
    /// # Errors
    /// `Table` if the tables do not fit together.
    pub(super) fn new(base: &LabelTable) -> Result<Self, ModelError> {
        build(base).map_err(ModelError::Table)
    }

    /// The label with this name.
    pub(super) fn node(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The ancestors of a label.
    pub(super) fn ancestors(&self, node: usize) -> &[usize] {
        self.nodes
            .get(node)
            .map(|node| node.ancestors.as_slice())
            .unwrap_or_default()
    }

    /// A label and its ancestors.
    pub(super) fn lineage(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(node).chain(self.ancestors(node).iter().copied())
    }

    /// Whether the detector has boxes of this label itself.
    pub(super) fn is_object(&self, node: usize) -> bool {
        self.objects.contains(&Some(node))
    }

    /// Whether the classifier has a class at or below this label.
    pub(super) fn is_class(&self, node: usize) -> bool {
        let labels = self.classes.iter().filter_map(|class| class.label);
        labels
            .into_iter()
            .any(|label| self.lineage(label).any(|above| above == node))
    }
}

fn read<'j, T: Deserialize<'j>>(name: &str, json: &'j [u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| format!("{name}: {error}"))
}

fn build(base: &LabelTable) -> Result<Tables, String> {
    let taxonomy: TaxonomyFile = read("taxonomy.json", TAXONOMY)?;
    let coco: CocoFile = read("coco80.json", COCO)?;
    let imagenet: ImagenetFile = read("imagenet1000.json", IMAGENET)?;

    let mut entries: Vec<Entry> = taxonomy
        .labels
        .into_iter()
        .map(|label| Entry {
            name: label.name,
            parents: label.parents,
            categories: label.categories,
            aliases: label.aliases,
        })
        .collect();
    for node in &base.nodes {
        if !entries.iter().any(|entry| entry.name == node.name) {
            entries.push(entry(node, &base.nodes));
        }
    }
    let nodes = resolve(entries)?;
    let places: HashMap<String, usize> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (node.name.clone(), at))
        .collect();
    let place = |name: &str| {
        let known = places.get(name).copied();
        known.ok_or_else(|| format!("the label \"{name}\" is not in the taxonomy"))
    };

    let mut objects = vec![None; COLUMNS];
    for class in &coco.classes {
        let column = class.id.checked_sub(1).and_then(|at| objects.get_mut(at));
        *column.ok_or_else(|| format!("coco80.json: the id {} is unknown", class.id))? =
            Some(place(&class.label)?);
    }
    let mut classes = vec![
        Class {
            label: None,
            min: 0.0
        };
        crate::classes::CLASSES
    ];
    for class in &imagenet.classes {
        let found = classes.get_mut(class.index);
        *found
            .ok_or_else(|| format!("imagenet1000.json: the index {} is unknown", class.index))? =
            Class {
                label: class.label.as_deref().map(place).transpose()?,
                min: class.min,
            };
    }
    let base = base
        .nodes
        .iter()
        .map(|node| place(&node.name))
        .collect::<Result<_, _>>()?;
    let exclusive = taxonomy
        .exclusive
        .iter()
        .map(|group| {
            let labels = group.labels.iter().map(|name| place(name));
            Ok(Group {
                scope: group.scope,
                labels: labels.collect::<Result<_, String>>()?,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Tables {
        nodes,
        places,
        objects,
        classes,
        base,
        exclusive,
    })
}

fn entry(node: &Node, nodes: &[Node]) -> Entry {
    let parents = node.ancestors.iter().filter_map(|at| nodes.get(*at));
    Entry {
        name: node.name.clone(),
        parents: parents.map(|parent| parent.name.clone()).collect(),
        categories: node.categories.clone(),
        aliases: node.aliases.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Recogniser;
    use std::collections::HashSet;

    /// The tables with the embedded model's labels.
    pub(crate) fn tables() -> Tables {
        Tables::new(Recogniser::embedded().unwrap().table()).unwrap()
    }

    #[test]
    fn the_tables_fit_together() {
        let tables = tables();
        assert_eq!(tables.objects.iter().flatten().count(), 80);
        let distinct: HashSet<_> = tables.objects.iter().flatten().collect();
        assert_eq!(distinct.len(), 80, "each kind of object has its own label");
        for node in &tables.nodes {
            assert!(!node.categories.is_empty(), "{} has no category", node.name);
        }
        assert!(tables.exclusive.iter().all(|group| group.labels.len() > 1));
    }

    #[test]
    fn every_class_of_imagenet_is_described_once() {
        let file: ImagenetFile = read("imagenet1000.json", IMAGENET).unwrap();
        let indices: HashSet<_> = file.classes.iter().map(|class| class.index).collect();
        assert_eq!((file.classes.len(), indices.len()), (1000, 1000));
        assert!(
            file.classes
                .iter()
                .all(|class| (0.0..=1.0).contains(&class.min))
        );
    }

    #[test]
    fn an_object_of_the_embedded_model_is_the_same_label() {
        let recogniser = Recogniser::embedded().unwrap();
        let tables = tables();
        let mut of_base: Vec<usize> = recogniser
            .table()
            .classes
            .iter()
            .map(|class| tables.base[class.node])
            .collect();
        let mut of_coco: Vec<usize> = tables.objects.iter().flatten().copied().collect();
        of_base.sort_unstable();
        of_coco.sort_unstable();
        assert_eq!(of_base, of_coco);
    }
}
