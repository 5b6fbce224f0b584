//! A query as it is written, before anybody knows what its names are.

use super::error::Problem;
use super::expression::{Arithmetic, Comparison, Literal};
use super::token::Mistake;
use winnow::error::ErrMode;

/// Levels a query may have. Every later walk over the tree may recurse, because of this.
pub(super) const DEEPEST: usize = 64;

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) syntax: Syntax,
    /// Offset of the byte that messages about it point to.
    pub(super) at: usize,
    depth: usize,
}

/// How the parts of a chain are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}

/// What a [`Node`] is. Chains of `and` and `or` are lists, because they may be long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Syntax {
    Literal(Literal),
    Null,
    /// Names with dots between them, each with its offset; a protocol variable keeps its `$`.
    Path(Vec<(String, usize)>),
    Call(String, Vec<Node>),
    Plus(Box<Node>),
    Negate(Box<Node>),
    Not(Box<Node>),
    Logic(Logic, Vec<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Between(Box<Node>, Box<Node>, Box<Node>),
    In(Box<Node>, Vec<Node>),
    Like(Box<Node>, Box<Node>),
}

impl Node {
    /// A node at `at`.
    ///
    /// # Errors
    /// When the tree gets too deep.
    pub(super) fn new(at: usize, syntax: Syntax) -> Result<Self, ErrMode<Mistake>> {
        let depth = 1 + syntax.deepest();
        if depth > DEEPEST {
            return Err(Mistake::at(at, Problem::TooDeep(DEEPEST)));
        }
        Ok(Self { syntax, at, depth })
    }

    /// `self and right`, or `self or right`, as one list with what the sides are lists of already.
    ///
    /// # Errors
    /// When the tree gets too deep.
    pub(super) fn joined(self, logic: Logic, right: Self) -> Result<Self, ErrMode<Mistake>> {
        let at = self.at;
        let mut parts = Vec::new();
        for side in [self, right] {
            match side.syntax {
                Syntax::Logic(inner, mut listed) if inner == logic => {
                    if parts.is_empty() {
                        parts = listed;
                    } else {
                        parts.append(&mut listed);
                    }
                }
                syntax => parts.push(Self { syntax, ..side }),
            }
        }
        Self::new(at, Syntax::Logic(logic, parts))
    }
}

impl Syntax {
    fn deepest(&self) -> usize {
        let depth = |nodes: &[&Node]| nodes.iter().map(|node| node.depth).max().unwrap_or_default();
        let listed = |nodes: &[Node]| nodes.iter().map(|node| node.depth).max().unwrap_or_default();
        match self {
            Self::Literal(_) | Self::Null | Self::Path(_) => 0,
            Self::Plus(inner) | Self::Negate(inner) | Self::Not(inner) => inner.depth,
            Self::Logic(_, nodes) | Self::Call(_, nodes) => listed(nodes),
            Self::Arithmetic(_, left, right) | Self::Compare(_, left, right) | Self::Like(left, right) => {
                depth(&[left, right])
            }
            Self::Between(value, low, high) => depth(&[value, low, high]),
            Self::In(value, nodes) => value.depth.max(listed(nodes)),
        }
    }
}
