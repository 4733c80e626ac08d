//! Words as the index compares them.

/// The words of a text in lower case: its runs of letters and digits, of any script.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The form in which singular and plural of an English word are equal. It is for comparison only: `box` and `boxes` are `box`, but
/// `horse` and `horses` are `hors`. A word of another language keeps its form, or loses its end in both numbers alike.
pub(super) fn number_key(word: &str) -> String {
    let word = word.to_lowercase();
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return number_key(singular);
    }
    let men = word.strip_suffix("men");
    if let Some(stem) = men.filter(|_| !NOT_PLURAL_OF_MAN.contains(&word.as_str())) {
        return format!("{stem}man");
    }
    if let Some(stem) = word.strip_suffix("people") {
        return format!("{stem}person");
    }
    let mut key = word;
    if is_plural(&key) {
        key.pop();
    }
    // Both `bus` and `buses`, `potato` and `potatoes`, `berry` and `berries` lose what only one of them has.
    if let Some(stem) = key.strip_suffix('e')
        && stem.len() > 2
        && (stem.ends_with(['s', 'x', 'z', 'o']) || stem.ends_with("ch") || stem.ends_with("sh"))
    {
        return stem.to_owned();
    }
    let stem = key.strip_suffix("ie").or_else(|| key.strip_suffix('y'));
    match stem {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => {
            format!("{stem}i")
        }
        _ => key,
    }
}

/// Whether a word ends in the `s` of a plural.
fn is_plural(word: &str) -> bool {
    let ends = |end: &str| word.ends_with(end);
    word.len() > 3
        && ends("s")
        && !(ends("ss") || ends("us") || ends("is"))
        && !SINGULAR.contains(&word)
}

/// Plurals that follow no rule, and those of nouns in `f`, with their singulars.
const IRREGULAR: [(&str, &str); 37] = [
    ("people", "person"),
    ("children", "child"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("oxen", "ox"),
    ("dice", "die"),
    ("cacti", "cactus"),
    ("fungi", "fungus"),
    ("hippopotami", "hippopotamus"),
    ("octopi", "octopus"),
    ("knives", "knife"),
    ("wives", "wife"),
    ("lives", "life"),
    ("wolves", "wolf"),
    ("leaves", "leaf"),
    ("shelves", "shelf"),
    ("bookshelves", "bookshelf"),
    ("scarves", "scarf"),
    ("loaves", "loaf"),
    ("halves", "half"),
    ("calves", "calf"),
    ("hooves", "hoof"),
    ("elves", "elf"),
    ("thieves", "thief"),
    ("dwarves", "dwarf"),
    ("wharves", "wharf"),
    ("skies", "sky"),
    ("flies", "fly"),
    ("butterflies", "butterfly"),
    ("gases", "gas"),
    ("menus", "menu"),
    ("emus", "emu"),
    ("gnus", "gnu"),
    ("gurus", "guru"),
    ("tutus", "tutu"),
];

/// Words that end in `men` and are no plurals.
const NOT_PLURAL_OF_MAN: [&str; 7] = [
    "specimen", "abdomen", "ramen", "omen", "stamen", "regimen", "acumen",
];

/// Words that end in `s` and are no plurals, apart from those in `ss`, `us` and `is`.
const SINGULAR: [&str; 10] = [
    "lens",
    "canvas",
    "atlas",
    "christmas",
    "news",
    "texas",
    "kansas",
    "dallas",
    "pancreas",
    "madras",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_and_plural_are_equal() {
        for (one, many) in [
            ("dog", "dogs"),
            ("box", "boxes"),
            ("bus", "buses"),
            ("horse", "horses"),
            ("house", "houses"),
            ("berry", "berries"),
            ("movie", "movies"),
            ("monkey", "monkeys"),
            ("toy", "toys"),
            ("sky", "skies"),
            ("fly", "flies"),
            ("tie", "ties"),
            ("person", "people"),
            ("salesperson", "salespeople"),
            ("man", "men"),
            ("woman", "women"),
            ("fireman", "firemen"),
            ("child", "children"),
            ("knife", "knives"),
            ("wolf", "wolves"),
            ("glove", "gloves"),
            ("olive", "olives"),
            ("sheep", "sheep"),
            ("glass", "glasses"),
            ("dress", "dresses"),
            ("bench", "benches"),
            ("dish", "dishes"),
            ("axe", "axes"),
            ("potato", "potatoes"),
            ("shoe", "shoes"),
            ("photo", "photos"),
            ("lens", "lenses"),
            ("canvas", "canvases"),
            ("cactus", "cacti"),
            ("gas", "gases"),
            ("mouse", "mice"),
            ("cafe", "cafes"),
            ("menu", "menus"),
            ("maze", "mazes"),
        ] {
            assert_eq!(number_key(one), number_key(many), "{one} {many}");
        }
    }

    #[test]
    fn different_words_stay_different() {
        for (one, other) in [
            ("car", "care"),
            ("kit", "kite"),
            ("plan", "plane"),
            ("sky", "ski"),
            ("bus", "bush"),
            ("new", "news"),
            ("ten", "tennis"),
            ("specimen", "speciman"),
            ("to", "toe"),
            ("glass", "gla"),
            ("ma", "mas"),
        ] {
            assert_ne!(number_key(one), number_key(other), "{one} {other}");
        }
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let found: Vec<_> = words("IMG_2041-Über (cat's).JPG 東京").collect();
        assert_eq!(found, ["img", "2041", "über", "cat", "s", "jpg", "東京"]);
        assert_eq!(words("-- !").count(), 0);
    }
}
