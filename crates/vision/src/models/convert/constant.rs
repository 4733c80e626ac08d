//! Constants: the weights of a network, and the values that can be computed from them without an input.

/// No constant of a supported network comes near this number of values. It bounds the memory that a damaged file can ask for.
const MAX_VALUES: usize = 1 << 24;

/// A constant's values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

/// A constant tensor. Its shape and the number of its values always agree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    shape: Vec<usize>,
    values: Values,
}

/// The number of values in a tensor. The sides of an empty tensor are limited too.
pub(super) fn count(shape: &[usize]) -> Result<usize, String> {
    let count = shape
        .iter()
        .try_fold(1usize, |product, side| product.checked_mul((*side).max(1)))
        .filter(|count| *count <= MAX_VALUES)
        .ok_or_else(|| format!("a tensor of the shape {shape:?} is too large"))?;
    Ok(if shape.contains(&0) { 0 } else { count })
}

/// How far apart in memory two neighbours along each axis are.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .scan(1usize, |step, side| {
            let stride = *step;
            *step = step.saturating_mul(*side);
            Some(stride)
        })
        .collect();
    strides.reverse();
    strides
}

/// The shape that two tensors have after broadcasting.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let side = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .and_then(|at| shape.get(at).copied())
            .unwrap_or(1)
    };
    (0..rank)
        .map(|axis| match (side(a, axis), side(b, axis)) {
            (1, side) | (side, 1) => Ok(side),
            (left, right) if left == right => Ok(left),
            _ => Err(format!("the shapes {a:?} and {b:?} do not fit together")),
        })
        .collect()
}

impl Constant {
    pub(super) fn new(shape: Vec<usize>, values: Values) -> Result<Self, String> {
        let found = match &values {
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
        };
        if count(&shape)? != found {
            return Err(format!(
                "a tensor of the shape {shape:?} has {found} values"
            ));
        }
        Ok(Self { shape, values })
    }

    pub(super) fn floats(shape: &[usize], values: Vec<f32>) -> Result<Self, String> {
        Self::new(shape.to_vec(), Values::Floats(values))
    }

    /// A list of integers, such as a shape.
    pub(super) fn integers(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len()],
            values: Values::Integers(values),
        }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    pub(super) fn as_floats(&self) -> Result<&[f32], String> {
        match &self.values {
            Values::Floats(values) => Ok(values),
            Values::Integers(_) => Err("its constants must be floating-point numbers".to_owned()),
        }
    }

    pub(super) fn as_integers(&self) -> Result<&[i64], String> {
        match &self.values {
            Values::Integers(values) => Ok(values),
            Values::Floats(_) => Err("its shapes and axes must be integers".to_owned()),
        }
    }

    /// The only value of a constant of integers.
    pub(super) fn as_integer(&self) -> Result<i64, String> {
        match self.as_integers()? {
            [value] => Ok(*value),
            values => Err(format!("one integer is needed, not {}", values.len())),
        }
    }

    pub(super) fn reshaped(&self, shape: &[usize]) -> Result<Self, String> {
        Self::new(shape.to_vec(), self.values.clone())
    }

    /// The values at `offset` plus the sum of index times stride over all axes, in a new shape.
    pub(super) fn strided(
        &self,
        shape: &[usize],
        offset: usize,
        strides: &[usize],
    ) -> Result<Self, String> {
        let values = match &self.values {
            Values::Floats(values) => pick(values, shape, offset, strides).map(Values::Floats),
            Values::Integers(values) => pick(values, shape, offset, strides).map(Values::Integers),
        };
        Self::new(shape.to_vec(), values?)
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this constant.
    pub(super) fn permuted(&self, order: &[usize]) -> Result<Self, String> {
        let steps = strides(&self.shape);
        let shape = permute(&self.shape, order)?;
        self.strided(&shape, 0, &permute(&steps, order)?)
    }

    /// Repeats the values until the constant has the shape, as arithmetic does.
    pub(super) fn broadcast_to(&self, shape: &[usize]) -> Result<Self, String> {
        if broadcast(&self.shape, shape)? != shape {
            return Err(format!("the shape {:?} does not fit {shape:?}", self.shape));
        }
        let mut steps = vec![0; shape.len() - self.shape.len()];
        let own = strides(&self.shape);
        steps.extend(
            self.shape
                .iter()
                .zip(own)
                .map(|(side, step)| if *side == 1 { 0 } else { step }),
        );
        self.strided(shape, 0, &steps)
    }

    /// Puts constants of the same type side by side along an axis.
    pub(super) fn joined(parts: &[&Self], axis: usize) -> Result<Self, String> {
        let first = parts.first().ok_or("there is nothing to join")?;
        let shape = joined_shape(
            &parts.iter().map(|part| part.shape()).collect::<Vec<_>>(),
            axis,
        )?;
        let rows = count(shape.get(..axis).unwrap_or_default())?;
        count(&shape)?;
        let values = match &first.values {
            Values::Floats(_) => {
                let parts: Result<Vec<_>, _> = parts.iter().map(|p| p.as_floats()).collect();
                Values::Floats(interleave(&parts?, rows))
            }
            Values::Integers(_) => {
                let parts: Result<Vec<_>, _> = parts.iter().map(|p| p.as_integers()).collect();
                Values::Integers(interleave(&parts?, rows))
            }
        };
        Self::new(shape, values)
    }

    /// Combines two constants value by value.
    pub(super) fn combined(
        &self,
        other: &Self,
        floats: fn(f32, f32) -> f32,
        integers: fn(i64, i64) -> i64,
    ) -> Result<Self, String> {
        let shape = broadcast(&self.shape, &other.shape)?;
        let (left, right) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
        let values = match (&left.values, &right.values) {
            (Values::Floats(a), Values::Floats(b)) => {
                Values::Floats(a.iter().zip(b).map(|(a, b)| floats(*a, *b)).collect())
            }
            (Values::Integers(a), Values::Integers(b)) => {
                Values::Integers(a.iter().zip(b).map(|(a, b)| integers(*a, *b)).collect())
            }
            _ => return Err("its constants have different types".to_owned()),
        };
        Self::new(shape, values)
    }

    /// Applies a function to each value.
    pub(super) fn mapped(&self, function: fn(f32) -> f32) -> Result<Self, String> {
        let values = self.as_floats()?.iter().map(|v| function(*v)).collect();
        Self::floats(&self.shape, values)
    }
}

/// The shape of tensors that are put side by side along an axis.
pub(super) fn joined_shape(shapes: &[&[usize]], axis: usize) -> Result<Vec<usize>, String> {
    let mut joined = shapes.first().ok_or("there is nothing to join")?.to_vec();
    let side = joined.get_mut(axis).ok_or("the axis does not exist")?;
    *side = 0;
    for shape in shapes {
        let fits = shape.len() == joined.len()
            && (0..joined.len()).all(|at| at == axis || shape.get(at) == joined.get(at));
        if let (true, Some(total), Some(side)) = (fits, joined.get_mut(axis), shape.get(axis)) {
            *total = total.saturating_add(*side);
        } else {
            return Err(format!("tensors of the shapes {shapes:?} cannot be joined"));
        }
    }
    Ok(joined)
}

/// `values` in another order.
pub(super) fn permute(values: &[usize], order: &[usize]) -> Result<Vec<usize>, String> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if sorted.len() != values.len() || sorted.iter().enumerate().any(|(at, axis)| at != *axis) {
        return Err(format!(
            "{order:?} is not an order of {} axes",
            values.len()
        ));
    }
    Ok(order
        .iter()
        .filter_map(|axis| values.get(*axis).copied())
        .collect())
}

fn pick<T: Copy>(
    values: &[T],
    shape: &[usize],
    offset: usize,
    strides: &[usize],
) -> Result<Vec<T>, String> {
    let total = count(shape)?;
    if shape.len() != strides.len() {
        return Err("a tensor needs one stride for each axis".to_owned());
    }
    let mut picked = Vec::with_capacity(total.min(values.len().max(1 << 16)));
    let mut index = vec![0usize; shape.len()];
    for _ in 0..total {
        let at = index
            .iter()
            .zip(strides)
            .try_fold(offset, |at, (i, stride)| {
                at.checked_add(i.checked_mul(*stride)?)
            });
        let value = at.and_then(|at| values.get(at));
        picked.push(*value.ok_or("a part lies outside its tensor")?);
        for (position, side) in index.iter_mut().zip(shape).rev() {
            *position += 1;
            if *position < *side {
                break;
            }
            *position = 0;
        }
    }
    Ok(picked)
}

/// Takes one row of each part in turn.
fn interleave<T: Copy>(parts: &[&[T]], rows: usize) -> Vec<T> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for row in 0..rows {
        for part in parts {
            let width = part.len() / rows;
            joined.extend_from_slice(part.get(row * width..(row + 1) * width).unwrap_or_default());
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Constant {
        let total: usize = shape.iter().product();
        Constant::floats(shape, (0..total).map(|v| v as f32).collect()).unwrap()
    }

    #[test]
    fn values_are_reordered_repeated_joined_and_combined() {
        let matrix = counted(&[2, 3]);
        let turned = matrix.permuted(&[1, 0]).unwrap();
        assert_eq!(
            turned,
            Constant::floats(&[3, 2], vec![0., 3., 1., 4., 2., 5.]).unwrap()
        );
        let rows = counted(&[3]).broadcast_to(&[2, 3]).unwrap();
        assert_eq!(rows.as_floats().unwrap(), [0., 1., 2., 0., 1., 2.]);
        let wide = Constant::joined(&[&matrix, &counted(&[2, 1])], 1).unwrap();
        assert_eq!(wide.shape(), [2, 4]);
        assert_eq!(wide.as_floats().unwrap(), [0., 1., 2., 0., 3., 4., 5., 1.]);
        let sum = matrix.combined(&counted(&[1]), |a, b| a + b + 1.0, |a, b| a + b);
        assert_eq!(sum.unwrap().as_floats().unwrap(), [1., 2., 3., 4., 5., 6.]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let matrix = counted(&[2, 3]);
        assert!(Constant::floats(&[2, 2], vec![0.0]).is_err());
        assert!(Constant::floats(&[usize::MAX, 2], vec![]).is_err());
        assert!(matrix.permuted(&[0, 0]).is_err());
        assert!(matrix.permuted(&[0]).is_err());
        assert!(matrix.broadcast_to(&[3]).is_err());
        assert!(matrix.strided(&[3], 5, &[1]).is_err());
        assert!(matrix.strided(&[3], usize::MAX, &[usize::MAX]).is_err());
        assert!(Constant::joined(&[&matrix, &counted(&[3, 3])], 1).is_err());
        assert!(Constant::joined(&[&matrix], 2).is_err());
        assert!(Constant::joined(&[], 0).is_err());
        assert!(
            matrix
                .combined(&Constant::integers(vec![1]), |a, _| a, |a, _| a)
                .is_err()
        );
    }
}
