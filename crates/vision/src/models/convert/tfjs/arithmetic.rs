//! Operators that work on each value by itself.

use super::super::constant::{Constant, broadcast};
use super::Converter;
use super::graph_def::Node;
use super::value::{Layout, Tensor, Value};

impl Converter<'_> {
    pub(super) fn add(&mut self, a: &Value, b: &Value) -> Result<Value, String> {
        match (a, b) {
            (Value::Constant(a), Value::Constant(b)) => Ok(Value::constant(a.combined(
                b,
                |a, b| a + b,
                i64::wrapping_add,
            )?)),
            (Value::Tensor(tensor), Value::Constant(constant))
            | (Value::Constant(constant), Value::Tensor(tensor)) => {
                match for_each_channel(tensor, constant) {
                    Some(offset) => self.scale_channels(tensor, &vec![1.0; offset.len()], &offset),
                    None => self.binary("Add", a, b),
                }
            }
            _ => self.binary("Add", a, b),
        }
    }

    pub(super) fn subtract(&mut self, a: &Value, b: &Value) -> Result<Value, String> {
        match (a, b) {
            (Value::Constant(a), Value::Constant(b)) => Ok(Value::constant(a.combined(
                b,
                |a, b| a - b,
                i64::wrapping_sub,
            )?)),
            (Value::Tensor(tensor), Value::Constant(constant)) => {
                match for_each_channel(tensor, constant) {
                    Some(offset) => {
                        let offset: Vec<f32> = offset.iter().map(|v| -v).collect();
                        self.scale_channels(tensor, &vec![1.0; offset.len()], &offset)
                    }
                    None => self.binary("Sub", a, b),
                }
            }
            _ => self.binary("Sub", a, b),
        }
    }

    pub(super) fn multiply(&mut self, a: &Value, b: &Value) -> Result<Value, String> {
        match (a, b) {
            (Value::Constant(a), Value::Constant(b)) => Ok(Value::constant(a.combined(
                b,
                |a, b| a * b,
                i64::wrapping_mul,
            )?)),
            (Value::Tensor(tensor), Value::Constant(constant))
            | (Value::Constant(constant), Value::Tensor(tensor)) => {
                match for_each_channel(tensor, constant) {
                    Some(scale) => self.scale_channels(tensor, &scale, &vec![0.0; scale.len()]),
                    None => self.binary("Mul", a, b),
                }
            }
            _ => self.binary("Mul", a, b),
        }
    }

    /// (x - mean) / sqrt(variance + epsilon) * gamma + beta.
    pub(super) fn batch_norm(&mut self, node: &Node, inputs: &[Value]) -> Result<Value, String> {
        node.needs_nhwc()?;
        let [input, gamma, beta, mean, variance] = inputs else {
            return Err("it needs 5 inputs".to_owned());
        };
        // TensorFlow's default.
        let epsilon = node.float("epsilon", 1e-4)?;
        let input = input.as_tensor()?;
        let [.., channels] = input.sides()?;
        let mut read = Vec::new();
        for value in [gamma, beta, mean, variance] {
            let values = value.as_constant()?.as_floats()?;
            if values.len() != channels {
                return Err(format!(
                    "{} numbers do not fit {channels} channels",
                    values.len()
                ));
            }
            read.push(values);
        }
        let [gamma, beta, mean, variance] = read.as_slice() else {
            return Err("it needs 5 inputs".to_owned());
        };
        let scale: Vec<f32> = gamma
            .iter()
            .zip(*variance)
            .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
            .collect();
        let offset: Vec<f32> = beta
            .iter()
            .zip(mean.iter().zip(&scale))
            .map(|(beta, (mean, scale))| beta - mean * scale)
            .collect();
        self.scale_channels(input, &scale, &offset)
    }

    pub(super) fn activation(&mut self, operator: &str, input: &Value) -> Result<Value, String> {
        match input {
            Value::Constant(constant) => {
                let function: fn(f32) -> f32 = match operator {
                    "Relu" => |v| v.max(0.0),
                    "Relu6" => |v| v.clamp(0.0, 6.0),
                    "Sigmoid" => |v| 1.0 / (1.0 + (-v).exp()),
                    _ => f32::exp,
                };
                Ok(Value::constant(constant.mapped(function)?))
            }
            Value::Tensor(tensor) => {
                let name = match operator {
                    "Relu6" => self.graph.relu6(&tensor.name)?,
                    other => self.graph.operator(other, &[&tensor.name], vec![]),
                };
                Ok(Tensor::new(name, tensor.shape.clone(), tensor.layout).into())
            }
        }
    }

    /// x, or x times the slope where x is negative.
    pub(super) fn prelu(&mut self, input: &Value, slope: &Value) -> Result<Value, String> {
        let (tensor, slope) = (input.as_tensor()?, slope.as_constant()?);
        let (name, slope, layout) = match for_each_channel(tensor, slope) {
            Some(slopes) => {
                let slopes = Constant::floats(&[slopes.len(), 1, 1], slopes)?;
                (self.nchw(tensor), slopes, Layout::Nchw)
            }
            None => (
                self.plain(input),
                slope.broadcast_to(&tensor.shape)?,
                Layout::Plain,
            ),
        };
        let slope = self.graph.constant(slope);
        let name = self.graph.operator("PRelu", &[&name, &slope], vec![]);
        Ok(Tensor::new(name, tensor.shape.clone(), layout).into())
    }

    fn binary(&mut self, operator: &str, a: &Value, b: &Value) -> Result<Value, String> {
        let shape = broadcast(a.shape(), b.shape())?;
        let (left, right, layout) = match (a, b) {
            (Value::Tensor(left), Value::Tensor(right))
                if left.shape == right.shape
                    && left.shape.len() == 4
                    && (left.layout, right.layout) != (Layout::Plain, Layout::Plain) =>
            {
                (self.nchw(left), self.nchw(right), Layout::Nchw)
            }
            _ => (self.plain(a), self.plain(b), Layout::Plain),
        };
        let name = self.graph.operator(operator, &[&left, &right], vec![]);
        Ok(Tensor::new(name, shape, layout).into())
    }
}

/// The constant's value for each channel of an NCHW tensor. `None` if the tensor is not NCHW, or the constant has other axes.
fn for_each_channel(tensor: &Tensor, constant: &Constant) -> Option<Vec<f32>> {
    let [.., channels] = tensor.sides().ok()?;
    let fits = match constant.shape() {
        [] => true,
        [others @ .., last] => {
            others.len() < 4
                && others.iter().all(|side| *side == 1)
                && (*last == 1 || *last == channels)
        }
    };
    if tensor.layout != Layout::Nchw || !fits {
        return None;
    }
    let values = constant.as_floats().ok()?;
    match values {
        [value] => Some(vec![*value; channels]),
        values => Some(values.to_vec()),
    }
}
