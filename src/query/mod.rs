//! The SData query language (core 2.12): text is parsed, then checked against a contract, and becomes an
//! [`Expression`] that names only what exists and compares only what can be compared.

mod expression;

pub use expression::{
    Arithmetic, Comparison, Expression, Field, Function, Hop, Literal, OrderKey, ProtocolVariable, Target, ValueType,
};
