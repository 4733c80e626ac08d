//! What a node of the graph yields.

use std::rc::Rc;

use super::super::constant::Constant;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Constant(Rc<Constant>),
    Tensor(Tensor),
}

/// A tensor that depends on the graph's input.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    /// Its name in the ONNX graph.
    pub(super) name: String,
    /// Its shape in TensorFlow's order, whatever the layout in the ONNX graph is.
    pub(super) shape: Vec<usize>,
    pub(super) layout: Layout,
    /// How many nodes and outputs read it.
    pub(super) uses: usize,
}

/// The order of axes in the ONNX graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Layout {
    /// TensorFlow's own.
    Plain,
    /// Pictures whose channels are axis 1. TensorFlow's shape has them last.
    Nchw,
}

impl Value {
    pub(super) fn constant(constant: Constant) -> Self {
        Self::Constant(Rc::new(constant))
    }

    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Constant(constant) => constant.shape(),
            Self::Tensor(tensor) => &tensor.shape,
        }
    }

    pub(super) fn as_constant(&self) -> Result<&Constant, String> {
        match self {
            Self::Constant(constant) => Ok(constant),
            Self::Tensor(_) => {
                Err("an input that must be constant depends on the picture".to_owned())
            }
        }
    }

    pub(super) fn as_tensor(&self) -> Result<&Tensor, String> {
        match self {
            Self::Tensor(tensor) => Ok(tensor),
            Self::Constant(_) => {
                Err("an input that must depend on the picture is constant".to_owned())
            }
        }
    }
}

impl Tensor {
    pub(super) fn new(name: String, shape: Vec<usize>, layout: Layout) -> Self {
        Self {
            name,
            shape,
            layout,
            uses: 0,
        }
    }

    /// Pictures, height, width and channels.
    pub(super) fn sides(&self) -> Result<[usize; 4], String> {
        <[usize; 4]>::try_from(self.shape.as_slice())
            .map_err(|_| format!("its input must have 4 axes, not the shape {:?}", self.shape))
    }

    /// Whether its values have the same order in both layouts.
    pub(super) fn is_flat(&self) -> bool {
        matches!(self.shape.as_slice(), [_, 1, 1, _] | [_, _, _, 1])
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

/// An axis counted from the front, or from the back if it is negative.
pub(super) fn axis(value: i64, rank: usize) -> Result<usize, String> {
    let rank = i64::try_from(rank).unwrap_or(i64::MAX);
    let counted = if value < 0 {
        value.checked_add(rank)
    } else {
        Some(value)
    };
    counted
        .filter(|axis| (0..rank).contains(axis))
        .and_then(|axis| usize::try_from(axis).ok())
        .ok_or_else(|| format!("it has no axis {value}"))
}
