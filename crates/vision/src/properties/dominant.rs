//! Dominant colours, by clustering in CIELAB.
//!
//! Counts pixels in 32 x 32 x 32 bins of RGB, clusters the bins by k-means in CIELAB, merges clusters that look alike or
//! have the same CSS name, and drops clusters below one percent. The result is deterministic: the first seed is the most
//! frequent colour, each further seed the colour with the largest weight times squared distance from all seeds.
//!
//! `Red`, `Green`, `Blue` and `HexCode` are the mean of the cluster's pixels, `CSSColor` is the nearest CSS colour.
//! Rekognition returns the RGB values of the CSS colour instead.

use rekognition_model::DominantColor;

use crate::colour::{CssColour, Lab, nearest_css};
use crate::request::MAX_DOMINANT_COLOURS;

/// The squared distance in CIELAB up to which clusters are merged.
const ALIKE: f32 = 8.0 * 8.0;
const ROUNDS: usize = 16;
/// Clusters with a smaller share of the pixels are not reported.
const MIN_SHARE: f32 = 0.01;

/// A dominant colour of some pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dominant {
    pub(super) rgb: [u8; 3],
    pub(super) lab: Lab,
    css: &'static CssColour,
    /// Share of the pixels, 0..=1.
    pub(super) share: f32,
}

impl Dominant {
    pub(super) fn to_response(self) -> DominantColor {
        let [r, g, b] = self.rgb;
        DominantColor {
            red: Some(r.into()),
            blue: Some(b.into()),
            green: Some(g.into()),
            hex_code: Some(format!("#{r:02x}{g:02x}{b:02x}")),
            css_color: Some(self.css.name.to_owned()),
            simplified_color: Some(self.css.simple.name().to_owned()),
            pixel_percent: Some(f64::from(100.0 * self.share)),
        }
    }
}

/// Pixels of nearly the same colour: their number and the sum of each channel.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: u32,
    sums: [u32; 3],
}

impl Bin {
    fn mean(&self) -> [u8; 3] {
        let half = self.count / 2;
        self.sums.map(|s| {
            ((s + half).checked_div(self.count))
                .and_then(|m| u8::try_from(m).ok())
                .unwrap_or_default()
        })
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
    }
}

/// The dominant colours of some pixels, most frequent first.
pub(super) fn dominant_colours(pixels: impl Iterator<Item = [u8; 3]>) -> Vec<Dominant> {
    let bins = bins(pixels);
    let total: u32 = bins.iter().map(|b| b.count).sum();
    let mut found: Vec<Dominant> = merged(clusters(&bins))
        .iter()
        .map(|cluster| {
            let lab = Lab::from_rgb(cluster.mean());
            let share = cluster.count as f32 / total as f32;
            Dominant {
                rgb: cluster.mean(),
                lab,
                css: nearest_css(cluster.mean()),
                share,
            }
        })
        .filter(|c| c.share >= MIN_SHARE)
        .collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.rgb.cmp(&b.rgb)));
    found
}

fn bins(pixels: impl Iterator<Item = [u8; 3]>) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); 1 << 15];
    for rgb in pixels {
        let at = rgb.iter().fold(0, |at, c| at << 5 | usize::from(c >> 3));
        if let Some(bin) = bins.get_mut(at) {
            bin.add(&Bin {
                count: 1,
                sums: rgb.map(u32::from),
            });
        }
    }
    bins.retain(|b| b.count > 0);
    bins
}

/// k-means of the bins in CIELAB, weighted by their pixels.
fn clusters(bins: &[Bin]) -> Vec<Bin> {
    let points: Vec<(Lab, f32)> = bins
        .iter()
        .map(|b| (Lab::from_rgb(b.mean()), b.count as f32))
        .collect();
    let mut centres = seeds(&points);
    let (mut owners, mut before) = (vec![0; points.len()], Vec::new());
    let mut distances = vec![0.0; points.len()];
    for _ in 0..ROUNDS {
        assign(&points, &centres, &mut owners, &mut distances);
        if owners == before {
            break;
        }
        move_to_means(&mut centres, &points, &owners);
        before.clone_from(&owners);
    }
    let mut clusters = vec![Bin::default(); centres.len()];
    for (bin, owner) in bins.iter().zip(owners) {
        if let Some(cluster) = clusters.get_mut(owner as usize) {
            cluster.add(bin);
        }
    }
    clusters.retain(|c| c.count > 0);
    clusters
}

fn seeds(points: &[(Lab, f32)]) -> Vec<Lab> {
    let mut seeds = Vec::new();
    // All points start at the same distance, so the first seed is the heaviest point.
    let mut distances = vec![f32::MAX; points.len()];
    let mut scores: Vec<f32> = points.iter().map(|(_, weight)| *weight).collect();
    while seeds.len() < MAX_DOMINANT_COLOURS as usize {
        let best = scores
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        let Some((seed, _)) = best.and_then(|(at, score)| points.get(at).filter(|_| *score > 0.0))
        else {
            break;
        };
        seeds.push(*seed);
        for ((score, distance), (lab, weight)) in scores.iter_mut().zip(&mut distances).zip(points)
        {
            *distance = distance.min(lab.distance_squared(*seed));
            *score = if *distance < ALIKE {
                0.0
            } else {
                *distance * weight
            };
        }
    }
    seeds
}

/// Finds the nearest centre of each point, the first of several. A centre at a time and with numbers as wide as the
/// distances, so that the loop over the points is vectorized.
fn assign(points: &[(Lab, f32)], centres: &[Lab], owners: &mut [u32], distances: &mut [f32]) {
    distances.fill(f32::INFINITY);
    for (at, centre) in (0..).zip(centres) {
        for (((lab, _), owner), least) in points.iter().zip(&mut *owners).zip(&mut *distances) {
            let distance = centre.distance_squared(*lab);
            let nearer = distance < *least;
            *owner = if nearer { at } else { *owner };
            *least = if nearer { distance } else { *least };
        }
    }
}

/// Moves each centre to the weighted mean of its points. One without points stays.
fn move_to_means(centres: &mut [Lab], points: &[(Lab, f32)], owners: &[u32]) {
    let mut sums = vec![(Lab::default(), 0.0); centres.len()];
    for ((lab, weight), owner) in points.iter().zip(owners) {
        if let Some((sum, total)) = sums.get_mut(*owner as usize) {
            sum.l += lab.l * weight;
            sum.a += lab.a * weight;
            sum.b += lab.b * weight;
            *total += weight;
        }
    }
    for (centre, (sum, total)) in centres.iter_mut().zip(sums) {
        if total > 0.0 {
            *centre = Lab {
                l: sum.l / total,
                a: sum.a / total,
                b: sum.b / total,
            };
        }
    }
}

/// Merges clusters that look alike or have the same CSS name, the closest first.
fn merged(clusters: Vec<Bin>) -> Vec<Bin> {
    let named = |cluster: Bin| {
        let mean = cluster.mean();
        (cluster, Lab::from_rgb(mean), nearest_css(mean).name)
    };
    let mut seen: Vec<_> = clusters.into_iter().map(named).collect();
    loop {
        let mut best: Option<(usize, usize, f32)> = None;
        for (i, (_, lab, name)) in seen.iter().enumerate() {
            for (j, (_, other, other_name)) in seen.iter().enumerate().skip(i + 1) {
                let distance = lab.distance_squared(*other);
                let same = distance < ALIKE || name == other_name;
                if same && best.is_none_or(|(_, _, least)| distance < least) {
                    best = Some((i, j, distance));
                }
            }
        }
        let Some((i, j, _)) = best else {
            return seen.into_iter().map(|(cluster, ..)| cluster).collect();
        };
        let (merged, ..) = seen.swap_remove(j);
        if let Some(kept) = seen.get_mut(i) {
            kept.0.add(&merged);
            *kept = named(kept.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(colours: &[([u8; 3], usize)]) -> Vec<Dominant> {
        dominant_colours(
            colours
                .iter()
                .flat_map(|(rgb, n)| std::iter::repeat_n(*rgb, *n)),
        )
    }

    #[test]
    fn flat_colours_are_found_exactly_with_their_shares() {
        let found = of(&[
            ([255, 255, 255], 20),
            ([200, 30, 40], 50),
            ([20, 60, 200], 30),
        ]);
        let seen: Vec<_> = found
            .iter()
            .map(|d| (d.rgb, (d.share * 100.0).round() as u32))
            .collect();
        assert_eq!(
            seen,
            [
                ([200, 30, 40], 50),
                ([20, 60, 200], 30),
                ([255, 255, 255], 20)
            ]
        );
    }

    #[test]
    fn shades_that_look_alike_are_one_colour() {
        let found = of(&[([100, 150, 200], 50), ([104, 152, 203], 50)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rgb, [102, 151, 202]);
        assert_eq!(found[0].share, 1.0);
    }

    #[test]
    fn css_names_are_unique() {
        // A sweep through all hues and lightnesses.
        let pixels = (0..32u8).flat_map(|r| {
            (0..32u8).flat_map(move |g| (0..32u8).map(move |b| [r * 8, g * 8, b * 8]))
        });
        let found = dominant_colours(pixels);
        let mut names: Vec<_> = found.iter().map(|d| d.css.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), found.len());
        assert!(found.len() > 8 && found.len() <= 20, "{}", found.len());
    }

    #[test]
    fn colours_below_one_percent_are_dropped() {
        let found = of(&[([0, 0, 0], 995), ([255, 0, 0], 5)]);
        assert_eq!(found.len(), 1);
        assert!((found[0].share - 0.995).abs() < 1e-6);
    }

    #[test]
    fn the_result_does_not_depend_on_the_order_of_pixels() {
        let colours: Vec<[u8; 3]> = (0..5000u32)
            .map(|i| [(i * 7 % 256) as u8, (i * 13 % 256) as u8, (i % 256) as u8])
            .collect();
        let forwards = dominant_colours(colours.iter().copied());
        assert_eq!(forwards, dominant_colours(colours.iter().rev().copied()));
        assert!(!forwards.is_empty());
    }

    #[test]
    fn no_pixels_have_no_colours() {
        assert_eq!(of(&[]), []);
    }
}
