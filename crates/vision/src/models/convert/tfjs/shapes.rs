//! Operators that move values and do not change them.

use super::super::constant::{Constant, count, joined_shape, permute, strides};
use super::super::onnx::{Attribute, signed};
use super::Converter;
use super::graph_def::Node;
use super::value::{Layout, Tensor, Value, axis};

/// Sides that replace -1 by what is left of `total`.
fn solved(target: &[i64], total: usize) -> Result<Vec<usize>, String> {
    let known: Vec<usize> = target
        .iter()
        .filter_map(|v| usize::try_from(*v).ok())
        .collect();
    let product = count(&known)?;
    let open = target.len() - known.len();
    let shape: Vec<usize> = target
        .iter()
        .map(|side| usize::try_from(*side).unwrap_or(total.checked_div(product).unwrap_or(0)))
        .collect();
    if open > 1 || count(&shape)? != total || target.iter().any(|side| *side < -1) {
        return Err(format!("{total} values do not fit into {target:?}"));
    }
    Ok(shape)
}

impl Converter<'_> {
    pub(super) fn reshape(&mut self, input: &Value, target: &Value) -> Result<Value, String> {
        let target = target.as_constant()?.as_integers()?;
        let shape = solved(target, count(input.shape())?)?;
        self.reshaped(input, shape)
    }

    fn reshaped(&mut self, input: &Value, shape: Vec<usize>) -> Result<Value, String> {
        let name = match input {
            Value::Constant(constant) => return constant.reshaped(&shape).map(Value::constant),
            Value::Tensor(tensor) if tensor.is_flat() => tensor.name.clone(),
            Value::Tensor(_) => self.plain(input),
        };
        let target = self.graph.constant(Constant::integers(signed(&shape)));
        let name = self.graph.operator("Reshape", &[&name, &target], vec![]);
        Ok(Tensor::new(name, shape, Layout::Plain).into())
    }

    pub(super) fn squeeze(&mut self, node: &Node, input: &Value) -> Result<Value, String> {
        let shape = input.shape();
        let mut axes = Vec::new();
        for name in ["squeeze_dims", "axis"] {
            for value in node.integers(name)? {
                axes.push(axis(value, shape.len())?);
            }
        }
        let removed = |at: usize, side: usize| side == 1 && (axes.is_empty() || axes.contains(&at));
        if axes.iter().any(|at| shape.get(*at) != Some(&1)) {
            return Err(format!("the axes {axes:?} of {shape:?} cannot be removed"));
        }
        let kept = shape.iter().enumerate();
        let kept = kept
            .filter(|(at, side)| !removed(*at, **side))
            .map(|(_, side)| *side)
            .collect();
        self.reshaped(input, kept)
    }

    pub(super) fn expand_dims(&mut self, input: &Value, at: &Value) -> Result<Value, String> {
        let mut shape = input.shape().to_vec();
        let at = axis(at.as_constant()?.as_integer()?, shape.len() + 1)?;
        shape.insert(at, 1);
        self.reshaped(input, shape)
    }

    pub(super) fn transpose(&mut self, input: &Value, order: &Value) -> Result<Value, String> {
        let rank = input.shape().len();
        let order = order.as_constant()?.as_integers()?.iter();
        let order = order
            .map(|v| axis(*v, rank))
            .collect::<Result<Vec<_>, _>>()?;
        let shape = permute(input.shape(), &order)?;
        if let Value::Constant(constant) = input {
            return constant.permuted(&order).map(Value::constant);
        }
        let name = self.plain(input);
        let attributes = vec![Attribute::Integers("perm", signed(&order))];
        let name = self.graph.operator("Transpose", &[&name], attributes);
        Ok(Tensor::new(name, shape, Layout::Plain).into())
    }

    /// Puts the inputs side by side. The last input is the axis.
    pub(super) fn concat(&mut self, inputs: &[Value]) -> Result<Value, String> {
        let [parts @ .., at] = inputs else {
            return Err("it has too few inputs".to_owned());
        };
        let rank = parts.first().map_or(0, |part| part.shape().len());
        let at = axis(at.as_constant()?.as_integer()?, rank)?;
        self.join(parts, at)
    }

    fn join(&mut self, parts: &[Value], at: usize) -> Result<Value, String> {
        let constants: Result<Vec<_>, _> = parts.iter().map(Value::as_constant).collect();
        if let Ok(constants) = constants {
            return Constant::joined(&constants, at).map(Value::constant);
        }
        let shapes: Vec<_> = parts.iter().map(Value::shape).collect();
        let shape = joined_shape(&shapes, at)?;
        let pictures = parts
            .iter()
            .all(|part| part.as_tensor().is_ok_and(|t| t.layout == Layout::Nchw));
        let (layout, onnx_axis) = match (pictures, at) {
            (true, 0) => (Layout::Nchw, 0),
            (true, 3) => (Layout::Nchw, 1),
            (true, at) => (Layout::Nchw, at + 1),
            (false, at) => (Layout::Plain, at),
        };
        let mut names = Vec::new();
        for part in parts {
            names.push(match part {
                Value::Tensor(tensor) => self.in_layout(tensor, layout),
                Value::Constant(_) => self.plain(part),
            });
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let attributes = signed(&[onnx_axis])
            .into_iter()
            .map(|at| Attribute::Integer("axis", at))
            .collect();
        let name = self.graph.operator("Concat", &names, attributes);
        Ok(Tensor::new(name, shape, layout).into())
    }

    /// Stacks inputs of the same shape along a new axis.
    pub(super) fn pack(&mut self, node: &Node, inputs: &[Value]) -> Result<Value, String> {
        let rank = inputs.first().map_or(0, |part| part.shape().len());
        let at = axis(node.integer("axis", 0)?, rank + 1)?;
        let mut parts = Vec::new();
        for input in inputs {
            let mut shape = input.shape().to_vec();
            if shape.len() != rank {
                return Err("its inputs have different shapes".to_owned());
            }
            shape.insert(at, 1);
            parts.push(self.reshaped(input, shape)?);
        }
        self.join(&parts, at)
    }

    /// Splits an input along an axis, which disappears.
    pub(super) fn unpack(&mut self, node: &Node, input: &Value) -> Result<Vec<Value>, String> {
        let at = axis(node.integer("axis", 0)?, input.shape().len())?;
        let mut shape = input.shape().to_vec();
        let side = shape.remove(at);
        let mut steps = strides(input.shape());
        let step = steps.remove(at);
        // A number of outputs that no network has, so that a damaged shape cannot ask for more memory.
        if side > 1024 {
            return Err(format!("it has {side} outputs, which are too many"));
        }
        let mut outputs = Vec::new();
        for index in 0..side {
            if let Value::Constant(constant) = input {
                let part = constant.strided(&shape, index.saturating_mul(step), &steps)?;
                outputs.push(Value::constant(part));
                continue;
            }
            let name = self.plain(input);
            let index = self
                .graph
                .constant(Constant::integers(signed(&[index])).reshaped(&[])?);
            let attributes = signed(&[at])
                .into_iter()
                .map(|at| Attribute::Integer("axis", at))
                .collect();
            let name = self.graph.operator("Gather", &[&name, &index], attributes);
            outputs.push(Tensor::new(name, shape.clone(), Layout::Plain).into());
        }
        Ok(outputs)
    }

    /// Takes a block. A size of -1 reaches to the end.
    pub(super) fn slice(
        &mut self,
        input: &Value,
        begin: &Value,
        size: &Value,
    ) -> Result<Value, String> {
        let begin = begin.as_constant()?.as_integers()?;
        let size = size.as_constant()?.as_integers()?;
        let sides = input.shape();
        if begin.len() != sides.len() || size.len() != sides.len() {
            return Err("its block does not have the axes of its input".to_owned());
        }
        let (mut starts, mut shape) = (Vec::new(), Vec::new());
        for ((first, size), side) in begin.iter().zip(size).zip(sides) {
            let first = usize::try_from(*first).ok().filter(|first| first <= side);
            let first = first.ok_or("its block lies outside its input")?;
            let left = side - first;
            let taken = if *size == -1 {
                Some(left)
            } else {
                usize::try_from(*size).ok()
            };
            shape.push(
                taken
                    .filter(|t| *t <= left)
                    .ok_or("its block lies outside its input")?,
            );
            starts.push(first);
        }
        let steps = strides(sides);
        if let Value::Constant(constant) = input {
            let offset = starts.iter().zip(&steps).fold(0usize, |sum, (i, step)| {
                sum.saturating_add(i.saturating_mul(*step))
            });
            return constant
                .strided(&shape, offset, &steps)
                .map(Value::constant);
        }
        let ends: Vec<usize> = starts.iter().zip(&shape).map(|(a, b)| a + b).collect();
        let name = self.plain(input);
        let starts = self.graph.constant(Constant::integers(signed(&starts)));
        let ends = self.graph.constant(Constant::integers(signed(&ends)));
        let name = self
            .graph
            .operator("Slice", &[&name, &starts, &ends], vec![]);
        Ok(Tensor::new(name, shape, Layout::Plain).into())
    }

    /// Repeats the input along each axis.
    pub(super) fn tile(&mut self, input: &Value, repeats: &Value) -> Result<Value, String> {
        let repeats = repeats.as_constant()?.as_integers()?;
        let repeats: Vec<usize> = repeats
            .iter()
            .filter_map(|v| usize::try_from(*v).ok())
            .collect();
        if repeats.len() != input.shape().len() {
            return Err("it needs one number of repetitions for each axis".to_owned());
        }
        count(&repeats)?;
        let shape: Vec<usize> = input
            .shape()
            .iter()
            .zip(&repeats)
            .map(|(side, times)| side.saturating_mul(*times))
            .collect();
        count(&shape)?;
        if let Value::Constant(constant) = input {
            let mut tiled = constant.as_ref().clone();
            for (at, times) in repeats.iter().enumerate() {
                tiled = match times {
                    0 => return Err("it repeats its input zero times".to_owned()),
                    1 => tiled,
                    times => Constant::joined(&vec![&tiled; *times], at)?,
                };
            }
            return Ok(Value::constant(tiled));
        }
        let name = self.plain(input);
        let repeats = self.graph.constant(Constant::integers(signed(&repeats)));
        let name = self.graph.operator("Tile", &[&name, &repeats], vec![]);
        Ok(Tensor::new(name, shape, Layout::Plain).into())
    }

    /// Adds zeros. The widths are [axes, 2].
    pub(super) fn pad(&mut self, input: &Value, widths: &Value) -> Result<Value, String> {
        let tensor = input.as_tensor()?;
        let widths = widths.as_constant()?;
        if widths.shape() != [tensor.shape.len(), 2] {
            return Err("it needs two widths for each axis".to_owned());
        }
        let mut before = Vec::new();
        let mut after = Vec::new();
        let mut shape = Vec::new();
        for (pair, side) in widths.as_integers()?.chunks_exact(2).zip(&tensor.shape) {
            let &[first, last] = pair else { continue };
            let limits = 0..1 << 16;
            if !limits.contains(&first) || !limits.contains(&last) {
                return Err(format!("a width of {first} or {last} is not valid"));
            }
            before.push(first);
            after.push(last);
            shape.push(
                side.saturating_add(first as usize)
                    .saturating_add(last as usize),
            );
        }
        if tensor.layout == Layout::Nchw {
            for widths in [&mut before, &mut after] {
                // The channels move from the end to axis 1.
                if let Some(rest) = widths.get_mut(1..) {
                    rest.rotate_right(1);
                }
            }
        }
        before.extend(after);
        let widths = self.graph.constant(Constant::integers(before));
        let name = self.graph.operator("Pad", &[&tensor.name, &widths], vec![]);
        Ok(Tensor::new(name, shape, tensor.layout).into())
    }
}
