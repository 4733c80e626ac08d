//! Decodes the reader's output: connectionist temporal classification (Graves et al., 2006), the best class at each step.

/// The class of steps without a character.
const BLANK: usize = 0;

/// A character that the network read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Character {
    /// Its class, counted from 0 for the first character after the blank.
    pub(super) class: usize,
    /// The highest probability of its steps.
    pub(super) probability: f32,
    /// The middle of its steps, in steps from the left edge.
    pub(super) position: f64,
}

/// The characters in the probabilities of one line, `classes` for each step. Equal characters in adjacent steps are one.
pub(super) fn decode(probabilities: &[f32], classes: usize) -> Vec<Character> {
    let mut characters: Vec<Character> = Vec::new();
    let mut last = BLANK;
    for (step, scores) in probabilities.chunks_exact(classes.max(1)).enumerate() {
        let best = scores.iter().copied().enumerate();
        let Some((class, probability)) = best.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        if class != BLANK {
            match characters.last_mut().filter(|_| class == last) {
                Some(same) => {
                    same.probability = same.probability.max(probability);
                    same.position += 0.5;
                }
                None => characters.push(Character {
                    class: class - 1,
                    probability,
                    position: step as f64 + 0.5,
                }),
            }
        }
        last = class;
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities of four classes, where each step has a best class and its probability.
    fn steps(best: &[(usize, f32)]) -> Vec<f32> {
        let step = |&(best, probability): &(usize, f32)| {
            (0..4).map(move |class| if class == best { probability } else { 0.01 })
        };
        best.iter().flat_map(step).collect()
    }

    #[test]
    fn repeats_are_one_character_unless_a_blank_separates_them() {
        let found = decode(
            &steps(&[(0, 0.9), (1, 0.6), (1, 0.8), (0, 0.9), (1, 0.7), (3, 0.5)]),
            4,
        );
        let classes: Vec<usize> = found.iter().map(|c| c.class).collect();
        assert_eq!(classes, [0, 0, 2]);
        let probabilities: Vec<f32> = found.iter().map(|c| c.probability).collect();
        assert_eq!(probabilities, [0.8, 0.7, 0.5]);
        let positions: Vec<f64> = found.iter().map(|c| c.position).collect();
        assert_eq!(positions, [2.0, 4.5, 5.5]);
    }

    #[test]
    fn blanks_and_nothing_are_no_text() {
        assert_eq!(decode(&steps(&[(0, 0.9), (0, 0.9)]), 4), []);
        assert_eq!(decode(&[], 4), []);
    }
}
