//! Operator by operator.
