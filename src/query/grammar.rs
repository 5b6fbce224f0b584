//! The grammar of conditions: operators by precedence, from text to a tree of names (core 2.12, operators).

use super::error::Problem;
use super::expression::{Arithmetic, Comparison, Literal};
use super::scope::Name;
use super::syntax::{DEEPEST, Logic, Node, Syntax};
use super::token::{Mistake, Token, TokenKind, tokens};
use winnow::combinator::{Infix, Postfix, expression, fail, opt};
use winnow::error::ErrMode;
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;
use winnow::{ModalResult, Parser};

/// How tightly operators bind: the larger, the tighter. The specification counts the other way round.
const OR: i64 = 1;
const AND: i64 = 2;
const COMPARED: i64 = 3;
const ADDED: i64 = 4;
const MULTIPLIED: i64 = 5;

/// Words that stand between operands; in any letter case, because no name can stand there.
const BETWEEN_OPERANDS: [&str; 14] =
    ["eq", "ne", "lt", "le", "gt", "ge", "between", "in", "like", "and", "or", "mul", "div", "mod"];

type Input<'t> = Stateful<TokenSlice<'t, Token<'t>>, Around<'t>>;
type Parsed = ModalResult<Node, Mistake>;

/// What the parser knows beside the tokens that are left.
#[derive(Debug, Clone)]
struct Around<'t> {
    text: &'t str,
    /// Parentheses and argument lists that are open.
    depth: usize,
}

/// Reads a condition.
///
/// # Errors
/// Where the text is none.
pub(super) fn parse(text: &str) -> Result<Node, Mistake> {
    let tokens = tokens(text)?;
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: Around { text, depth: 0 } };
    whole(&mut input).map_err(final_mistake)
}

/// One criterion of `orderBy`, its names not looked up yet.
pub(super) struct Criterion {
    pub(super) names: Vec<Name>,
    pub(super) descending: bool,
}

/// Reads the criteria of an `orderBy` (core 6.3).
///
/// # Errors
/// Where the text is no list of them.
pub(super) fn criteria(text: &str) -> Result<Vec<Criterion>, Mistake> {
    let tokens = tokens(text)?;
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: Around { text, depth: 0 } };
    let mut found = Vec::new();
    while found.is_empty() && !tokens.is_empty() || is_next(&input, &TokenKind::Comma) {
        if !found.is_empty() {
            input.next_token();
        }
        found.push(criterion(&mut input).map_err(final_mistake)?);
    }
    if input.peek_token().is_some() {
        return Err(final_mistake(unexpected(&input, "asc, desc or a comma")));
    }
    Ok(found)
}

/// `a.b desc`
fn criterion(input: &mut Input<'_>) -> ModalResult<Criterion, Mistake> {
    let names = names(input)?;
    let direction = |token: &Token<'_>| match token.kind {
        TokenKind::Word(word) if word.eq_ignore_ascii_case("asc") => Some(false),
        TokenKind::Word(word) if word.eq_ignore_ascii_case("desc") => Some(true),
        _ => None,
    };
    let descending = opt(any.verify_map(direction)).parse_next(input)?.unwrap_or(false);
    Ok(Criterion { names, descending })
}

fn final_mistake(error: ErrMode<Mistake>) -> Mistake {
    error.into_inner().unwrap_or(Mistake { at: 0, problem: Problem::TooDeep(DEEPEST) })
}

fn whole(input: &mut Input<'_>) -> Parsed {
    let node = bound_by(OR, input)?;
    match input.peek_token() {
        None => Ok(node),
        Some(_) => Err(unexpected(input, "an operator")),
    }
}

/// An expression whose operators bind at least as tightly as `power`.
fn bound_by(power: i64, input: &mut Input<'_>) -> Parsed {
    expression(operand)
        .prefix(fail)
        .infix(any.verify_map(infix))
        .postfix(any.verify_map(postfix))
        .current_precedence_level(power)
        .parse_next(input)
}

fn infix<'t>(token: &Token<'t>) -> Option<Infix<Input<'t>, Node, ErrMode<Mistake>>> {
    use Infix::Left;
    let word = match token.kind {
        TokenKind::Plus => "+",
        TokenKind::Minus => "-",
        TokenKind::Word(word) => word,
        _ => return None,
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "or" => Left(OR, |_, left: Node, right| left.joined(Logic::Or, right)),
        "and" => Left(AND, |_, left: Node, right| left.joined(Logic::And, right)),
        "eq" => Left(COMPARED, |_, left, right| compare(Comparison::Equal, left, right)),
        "ne" => Left(COMPARED, |_, left, right| compare(Comparison::NotEqual, left, right)),
        "lt" => Left(COMPARED, |_, left, right| compare(Comparison::Less, left, right)),
        "le" => Left(COMPARED, |_, left, right| compare(Comparison::LessOrEqual, left, right)),
        "gt" => Left(COMPARED, |_, left, right| compare(Comparison::Greater, left, right)),
        "ge" => Left(COMPARED, |_, left, right| compare(Comparison::GreaterOrEqual, left, right)),
        "like" => Left(COMPARED, |_, left, right| Node::new(left.at, Syntax::Like(Box::new(left), Box::new(right)))),
        "+" => Left(ADDED, |_, left, right| arithmetic(Arithmetic::Add, left, right)),
        "-" => Left(ADDED, |_, left, right| arithmetic(Arithmetic::Subtract, left, right)),
        "mul" => Left(MULTIPLIED, |_, left, right| arithmetic(Arithmetic::Multiply, left, right)),
        "div" => Left(MULTIPLIED, |_, left, right| arithmetic(Arithmetic::Divide, left, right)),
        "mod" => Left(MULTIPLIED, |_, left, right| arithmetic(Arithmetic::Remainder, left, right)),
        _ => return None,
    })
}

fn compare(comparison: Comparison, left: Node, right: Node) -> Parsed {
    Node::new(left.at, Syntax::Compare(comparison, Box::new(left), Box::new(right)))
}

fn arithmetic(arithmetic: Arithmetic, left: Node, right: Node) -> Parsed {
    Node::new(left.at, Syntax::Arithmetic(arithmetic, Box::new(left), Box::new(right)))
}

/// The comparisons that have more than one right side.
fn postfix<'t>(token: &Token<'t>) -> Option<Postfix<Input<'t>, Node, ErrMode<Mistake>>> {
    let TokenKind::Word(word) = token.kind else { return None };
    match word.to_ascii_lowercase().as_str() {
        "between" => Some(Postfix(COMPARED, between)),
        "in" => Some(Postfix(COMPARED, contained)),
        _ => None,
    }
}

/// `… y and z`: the `and` is the operator's own, because what stands before it binds more tightly.
fn between(input: &mut Input<'_>, value: Node) -> Parsed {
    let low = bound_by(ADDED, input)?;
    match input.peek_token().map(|token| &token.kind) {
        Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case("and") => input.next_token(),
        _ => return Err(unexpected(input, "'and' with the upper end of 'between'")),
    };
    let high = bound_by(ADDED, input)?;
    Node::new(value.at, Syntax::Between(Box::new(value), Box::new(low), Box::new(high)))
}

/// `… (y, z)`
fn contained(input: &mut Input<'_>, value: Node) -> Parsed {
    if !is_next(input, &TokenKind::Open) {
        return Err(unexpected(input, "'(' with the values of 'in'"));
    }
    let listed = list(input)?;
    Node::new(value.at, Syntax::In(Box::new(value), listed))
}

/// What operators join, with the signs and `not` before it; these bind most tightly and from right to left.
fn operand(input: &mut Input<'_>) -> Parsed {
    let mut before = Vec::new();
    while let Some(token) = input.peek_token() {
        let wrap: fn(Box<Node>) -> Syntax = match token.kind {
            TokenKind::Plus => Syntax::Plus,
            TokenKind::Minus => Syntax::Negate,
            TokenKind::Word(word) if word.eq_ignore_ascii_case("not") && !is_name(input) => Syntax::Not,
            _ => break,
        };
        before.push((token.at, wrap));
        input.next_token();
    }
    let inner = primary(input)?;
    before.into_iter().rev().try_fold(inner, |inner, (at, wrap)| Node::new(at, wrap(Box::new(inner))))
}

/// Whether the word at hand is followed by what can only follow an operand: then even `not` is a name.
fn is_name(input: &Input<'_>) -> bool {
    match input.get(1).map(|token| &token.kind) {
        None | Some(TokenKind::Close | TokenKind::Comma | TokenKind::Dot) => true,
        Some(TokenKind::Word(word)) => BETWEEN_OPERANDS.iter().any(|known| word.eq_ignore_ascii_case(known)),
        Some(_) => false,
    }
}

fn primary(input: &mut Input<'_>) -> Parsed {
    let Some(token) = input.peek_token() else { return Err(unexpected(input, "a value or a name")) };
    let at = token.at;
    match &token.kind {
        TokenKind::Open => {
            let mut inner = list(input)?;
            match (inner.pop(), inner.is_empty()) {
                (Some(node), true) => Ok(node),
                _ => Err(Mistake::at(at, expected("one expression in parentheses", "several".to_owned()))),
            }
        }
        TokenKind::Value(literal) => {
            input.next_token();
            Node::new(at, Syntax::Literal(literal.clone()))
        }
        TokenKind::Word(word) if input.get(1).is_some_and(|next| next.kind == TokenKind::Open) => {
            input.next_token();
            let arguments = list(input)?;
            Node::new(at, Syntax::Call((*word).to_owned(), arguments))
        }
        TokenKind::Word("null") => {
            input.next_token();
            Node::new(at, Syntax::Null)
        }
        TokenKind::Word(word @ ("true" | "false")) => {
            input.next_token();
            Node::new(at, Syntax::Literal(Literal::Boolean(*word == "true")))
        }
        TokenKind::Word(_) | TokenKind::Variable(_) => path(input),
        _ => Err(unexpected(input, "a value or a name")),
    }
}

fn path(input: &mut Input<'_>) -> Parsed {
    let names = names(input)?;
    let at = names.first().map_or(0, |(_, at)| *at);
    Node::new(at, Syntax::Path(names))
}

/// Names with dots between them; at least one.
fn names(input: &mut Input<'_>) -> ModalResult<Vec<Name>, Mistake> {
    let mut names = Vec::new();
    loop {
        match input.peek_token() {
            Some(Token { kind: TokenKind::Word(name) | TokenKind::Variable(name), at, .. }) => {
                names.push(((*name).to_owned(), *at));
                input.next_token();
            }
            _ => return Err(unexpected(input, "the name of a property")),
        }
        if !is_next(input, &TokenKind::Dot) {
            return Ok(names);
        }
        input.next_token();
    }
}

/// What stands in the parentheses that open here, separated by commas.
fn list(input: &mut Input<'_>) -> ModalResult<Vec<Node>, Mistake> {
    let open = input.next_token();
    input.state.depth += 1;
    if input.state.depth > DEEPEST {
        return Err(Mistake::at(open.map_or(0, |token| token.at), Problem::TooDeep(DEEPEST)));
    }
    let mut listed = Vec::new();
    if !is_next(input, &TokenKind::Close) {
        loop {
            listed.push(bound_by(OR, input)?);
            if !is_next(input, &TokenKind::Comma) {
                break;
            }
            input.next_token();
        }
    }
    if !is_next(input, &TokenKind::Close) {
        return Err(unexpected(input, "an operator, ',' or ')'"));
    }
    input.next_token();
    input.state.depth -= 1;
    Ok(listed)
}

fn is_next(input: &Input<'_>, kind: &TokenKind<'_>) -> bool {
    input.peek_token().is_some_and(|token| token.kind == *kind)
}

/// The error that something else should stand where the parser is.
fn unexpected(input: &Input<'_>, what: &'static str) -> ErrMode<Mistake> {
    let text = input.state.text;
    match input.peek_token() {
        Some(token) => Mistake::at(token.at, expected(what, token.shown(text))),
        None => Mistake::at(text.len(), expected(what, "the end".to_owned())),
    }
}

fn expected(expected: &'static str, found: String) -> Problem {
    Problem::Unexpected { expected, found }
}
