//! Values that are known at conversion: shapes, and parts of them.

use super::super::constant::{Constant, strides};
use super::super::onnx::signed;
use super::graph_def::Node;
use super::value::Value;

pub(super) fn shape_of(value: &Value) -> Value {
    Value::constant(Constant::integers(signed(value.shape())))
}

/// Takes a part of a constant, such as one side of a shape. Parts of tensors are not known.
pub(super) fn strided_slice(node: &Node, inputs: &[Value]) -> Result<Value, String> {
    let [input, begin, end, step] = inputs else {
        return Err("it needs 4 inputs".to_owned());
    };
    let input = input.as_constant()?;
    let lists = [begin, end, step].map(|list| list.as_constant()?.as_integers());
    let [begin, end, step] = lists;
    let (begin, end, step) = (begin?, end?, step?);
    for mask in ["ellipsis_mask", "new_axis_mask"] {
        if node.integer(mask, 0)? != 0 {
            return Err(format!("its {mask} is not known"));
        }
    }
    let masks = ["begin_mask", "end_mask", "shrink_axis_mask"].map(|mask| node.integer(mask, 0));
    let [from_start, to_end, shrink] = masks;
    let (from_start, to_end, shrink) = (from_start?, to_end?, shrink?);
    let is_set = |mask: i64, at: usize| at < 32 && mask >> at & 1 == 1;

    let mut offset = 0usize;
    let mut shape = Vec::new();
    let mut steps = Vec::new();
    let sides = input.shape().iter().zip(strides(input.shape()));
    for (at, (side, stride)) in sides.enumerate() {
        let length = i64::try_from(*side).unwrap_or(i64::MAX);
        let from_front = |value: i64| {
            if value < 0 {
                value.saturating_add(length)
            } else {
                value
            }
        };
        let first = begin.get(at).map_or(0, |v| from_front(*v));
        let first = if is_set(from_start, at) { 0 } else { first };
        let last = end.get(at).map_or(length, |v| from_front(*v).min(length));
        let last = if is_set(to_end, at) { length } else { last };
        let by = step.get(at).copied().unwrap_or(1);
        if !(0..length).contains(&first) || by < 1 {
            return Err("its part lies outside its input or runs backwards".to_owned());
        }
        let at_first = usize::try_from(first).unwrap_or_default();
        offset = offset.saturating_add(at_first.saturating_mul(stride));
        if !is_set(shrink, at) {
            let taken = (last.saturating_sub(first).max(0) as u64).div_ceil(by.unsigned_abs());
            shape.push(usize::try_from(taken).unwrap_or(usize::MAX));
            let by = usize::try_from(by).unwrap_or(usize::MAX);
            steps.push(stride.saturating_mul(by));
        }
    }
    input.strided(&shape, offset, &steps).map(Value::constant)
}
