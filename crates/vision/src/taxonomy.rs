//! Names, categories and ancestors of labels.

use std::collections::{HashMap, HashSet};

/// Rekognition's label categories, from the "Detecting labels" chapter of its developer guide.
pub(crate) const CATEGORIES: [&str; 40] = [
    "Actions",
    "Animals and Pets",
    "Apparel and Accessories",
    "Beauty and Personal Care",
    "Buildings and Architecture",
    "Colors and Visual Composition",
    "Damage Detection",
    "Education",
    "Events and Attractions",
    "Everyday Objects",
    "Expressions and Emotions",
    "Food and Beverage",
    "Furniture and Furnishings",
    "Health and Fitness",
    "Hobbies and Interests",
    "Home and Indoors",
    "Home Appliances",
    "Kitchen and Dining",
    "Materials",
    "Medical",
    "Nature and Outdoors",
    "Offices and Workspaces",
    "Patterns and Shapes",
    "Performing Arts",
    "Person Description",
    "Plants and Flowers",
    "Popular Landmarks",
    "Profession",
    "Public Safety",
    "Religion",
    "Sports",
    "Symbols and Flags",
    "Technology and Computing",
    "Text and Documents",
    "Tools and Machinery",
    "Toys and Gaming",
    "Transport and Logistics",
    "Travel and Adventure",
    "Vehicles and Automotive",
    "Weapons and Military",
];

/// A label in the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Ancestors, nearest first.
    pub(crate) parents: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) aliases: Vec<String>,
}

/// A label with its resolved ancestors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) categories: Vec<String>,
    pub(crate) aliases: Vec<String>,
    /// Every ancestor once, as indices of nodes: first those in the table, then their ancestors.
    pub(crate) ancestors: Vec<usize>,
}

/// Resolves the ancestors of every entry. The result starts with the entries in their order; parents without an entry
/// follow.
///
/// Such a parent has the categories of the labels that name it. Its parents are the names that follow it in every list
/// that contains it: in `Airplane: Aircraft, Vehicle, Transportation` and
/// `Car: Vehicle, Transportation` the parent of Vehicle is Transportation.
///
/// # Errors
/// A sentence that names the label and the problem.
pub(crate) fn resolve(mut entries: Vec<Entry>) -> Result<Vec<Node>, String> {
    for entry in &entries {
        check(entry)?;
    }
    let mut place = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if place.insert(entry.name.clone(), at).is_some() {
            return Err(format!("the label \"{}\" is described twice", entry.name));
        }
    }
    for entry in implicit_parents(&entries, &place) {
        place.insert(entry.name.clone(), entries.len());
        entries.push(entry);
    }

    let parents: Vec<Vec<usize>> = entries
        .iter()
        .map(|e| {
            e.parents
                .iter()
                .filter_map(|p| place.get(p).copied())
                .collect()
        })
        .collect();
    let mut nodes = Vec::with_capacity(entries.len());
    for (at, entry) in entries.into_iter().enumerate() {
        let ancestors = ancestors(&parents, at);
        if ancestors.contains(&at) {
            return Err(format!("the label \"{}\" is its own ancestor", entry.name));
        }
        let Entry {
            name,
            categories,
            aliases,
            ..
        } = entry;
        nodes.push(Node {
            name,
            categories,
            aliases,
            ancestors,
        });
    }
    Ok(nodes)
}

fn check(entry: &Entry) -> Result<(), String> {
    let name = &entry.name;
    if name.trim().is_empty() {
        return Err("a label has no name".to_owned());
    }
    if let Some(other) = entry
        .categories
        .iter()
        .find(|c| !CATEGORIES.contains(&c.as_str()))
    {
        return Err(format!(
            "the label \"{name}\" has the category \"{other}\", which is not one of Rekognition's 40"
        ));
    }
    let mut seen = HashSet::new();
    match entry.parents.iter().find(|p| !seen.insert(*p)) {
        Some(twice) => Err(format!(
            "the label \"{name}\" names the parent \"{twice}\" twice"
        )),
        None => Ok(()),
    }
}

fn implicit_parents(entries: &[Entry], place: &HashMap<String, usize>) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    for entry in entries {
        for (at, name) in entry.parents.iter().enumerate() {
            if place.contains_key(name) {
                continue;
            }
            let after = entry.parents.get(at + 1..).unwrap_or_default();
            match found.iter_mut().find(|e| &e.name == name) {
                Some(known) => {
                    known.parents.retain(|p| after.contains(p));
                    for category in &entry.categories {
                        if !known.categories.contains(category) {
                            known.categories.push(category.clone());
                        }
                    }
                }
                None => found.push(Entry {
                    name: name.clone(),
                    parents: after.to_vec(),
                    categories: entry.categories.clone(),
                    aliases: Vec::new(),
                }),
            }
        }
    }
    found
}

/// Breadth first, so that nearer ancestors come first.
fn ancestors(parents: &[Vec<usize>], of: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut next = 0;
    let mut current = of;
    loop {
        for parent in parents.get(current).into_iter().flatten() {
            if !found.contains(parent) {
                found.push(*parent);
            }
        }
        match found.get(next) {
            Some(ancestor) => current = *ancestor,
            None => return found,
        }
        next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, parents: &[&str], category: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            categories: vec![category.to_owned()],
            aliases: Vec::new(),
        }
    }

    fn names<'n>(nodes: &'n [Node], of: &str) -> Vec<&'n str> {
        let node = nodes.iter().find(|n| n.name == of).unwrap();
        node.ancestors
            .iter()
            .map(|a| nodes[*a].name.as_str())
            .collect()
    }

    #[test]
    fn every_ancestor_is_listed_once_nearest_first() {
        let nodes = resolve(vec![
            entry("Street", &["City", "Road"], "Nature and Outdoors"),
            entry("City", &["Urban"], "Nature and Outdoors"),
            entry("Road", &["Outdoors"], "Nature and Outdoors"),
            entry("Urban", &["Outdoors"], "Nature and Outdoors"),
            entry("Outdoors", &[], "Nature and Outdoors"),
        ])
        .unwrap();
        assert_eq!(
            names(&nodes, "Street"),
            ["City", "Road", "Urban", "Outdoors"]
        );
        assert_eq!(nodes.len(), 5);
    }

    #[test]
    fn a_parent_without_an_entry_is_derived_from_its_children() {
        let nodes = resolve(vec![
            entry(
                "Airplane",
                &["Aircraft", "Vehicle", "Transportation"],
                "Vehicles and Automotive",
            ),
            entry(
                "Car",
                &["Vehicle", "Transportation"],
                "Vehicles and Automotive",
            ),
            entry("Man", &["Adult", "Male", "Person"], "Person Description"),
            entry(
                "Woman",
                &["Adult", "Female", "Person"],
                "Person Description",
            ),
            entry("Frisbee", &["Toy"], "Sports"),
            entry("Kite", &["Toy"], "Toys and Gaming"),
        ])
        .unwrap();
        assert_eq!(names(&nodes, "Aircraft"), ["Vehicle", "Transportation"]);
        assert_eq!(names(&nodes, "Vehicle"), ["Transportation"]);
        assert_eq!(
            names(&nodes, "Adult"),
            ["Person"],
            "Male is not an ancestor of Adult, as Woman shows"
        );
        let toy = nodes.iter().find(|n| n.name == "Toy").unwrap();
        assert_eq!(toy.categories, ["Sports", "Toys and Gaming"]);
    }

    #[test]
    fn an_invalid_entry_is_named() {
        let error = |entries| resolve(entries).unwrap_err();
        assert_eq!(
            error(vec![entry("Dog", &[], "Animals & Pets")]),
            "the label \"Dog\" has the category \"Animals & Pets\", which is not one of Rekognition's 40"
        );
        assert_eq!(
            error(vec![
                entry("Dog", &[], "Sports"),
                entry("Dog", &[], "Sports")
            ]),
            "the label \"Dog\" is described twice"
        );
        assert_eq!(
            error(vec![
                entry("A", &["B"], "Sports"),
                entry("B", &["A"], "Sports")
            ]),
            "the label \"A\" is its own ancestor"
        );
        assert_eq!(
            error(vec![entry("A", &["B", "B"], "Sports")]),
            "the label \"A\" names the parent \"B\" twice"
        );
        assert_eq!(
            error(vec![entry(" ", &[], "Sports")]),
            "a label has no name"
        );
    }

    #[test]
    fn there_are_40_categories() {
        assert_eq!(CATEGORIES.iter().collect::<HashSet<_>>().len(), 40);
    }
}
