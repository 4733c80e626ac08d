/// Why a file of a package cannot be turned into ONNX. Each message is one sentence.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ConvertError {
    /// The model's JSON cannot be read.
    #[error("the model description cannot be read: {0}")]
    Description(String),
    /// A node's operator is unknown.
    #[error("the node \"{node}\" uses the operator {operator}, which the converter does not know")]
    Operator {
        /// The node's name.
        node: String,
        /// TensorFlow's name of the operator.
        operator: String,
    },
    /// A node's inputs or attributes do not fit its operator, or have a form that the converter does not know.
    #[error("the node \"{node}\" cannot be converted: {reason}")]
    Node {
        /// The node's name.
        node: String,
        /// What is wrong.
        reason: String,
    },
    /// The weights are incomplete, damaged, or of another network.
    #[error("the weights cannot be read: {0}")]
    Weights(String),
    /// The ONNX file cannot be read or written.
    #[error("the ONNX file {0}")]
    Onnx(String),
}
