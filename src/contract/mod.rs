//! What a contract's XSD says, checked against payloads, and the `$schema` that is served.
//!
//! A contract is read once and then only asked. Reading goes from files ([`Contract::read`]) over declarations and
//! types to kinds; a payload goes through [`Contract::accept`] on its way in and [`Contract::dress`] on its way out.

mod accept;
mod accept_children;
mod accept_references;
mod accept_values;
pub mod builtin;
mod complete;
#[allow(clippy::module_inception, reason = "the room and its central type are both the specification's contract")]
mod contract;
mod declarations;
mod delta;
mod descriptors;
pub mod error;
mod from_json;
mod inlined;
mod json;
mod kinds;
mod lexical;
mod loader;
pub mod model;
mod pattern;
pub mod payload;
mod promises;
mod properties;
mod protocol_attributes;
mod read_complex;
mod read_particles;
mod read_simple;
mod read_types;
mod references;
mod schema;
mod schema_file;
pub mod simple_type;
mod tags;
mod template;
pub mod view;

pub use contract::Contract;
pub use error::{ContractError, Problem, Warning};
pub use json::untyped_json;
pub use model::{ComplexType, Kind, KindId, Property, Relationship, Shape, TypeId, TypeRef};
pub use payload::{Accepted, Fault, Located, Reference, ReferenceTarget, Sender};
pub use schema::{BatchingMode, Support};
pub use simple_type::SimpleType;
pub use view::{View, Wishes};
