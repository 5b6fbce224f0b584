//! `orderBy`: what a feed is sorted by (core 6.3).

use super::error::{Parameter, Problem, QueryError};
use super::expression::OrderKey;
use super::scope::{Name, Purpose, Scope};
use super::token::{Mistake, Token, TokenKind, tokens};

/// The criteria of an `orderBy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderBy {
    /// Those that can be applied, the first deciding first.
    pub keys: Vec<OrderKey>,
    /// Those that cannot: warnings of the feed, no errors (core 6.3).
    pub refused: Vec<QueryError>,
}

/// Criteria that are looked at: more of them decide nothing.
const MOST_KEYS: usize = 16;

/// Reads an `orderBy`: property paths with `asc` or `desc`, separated by commas. An empty text has no criteria.
///
/// # Errors
/// [`QueryError`] where the text is no such list; a criterion that cannot be applied is none.
pub fn parse_order_by(text: &str, scope: &Scope<'_>) -> Result<OrderBy, QueryError> {
    let failed = |mistake: Mistake| QueryError::at(Parameter::OrderBy, text, mistake);
    let tokens = tokens(text).map_err(failed)?;
    let mut read = OrderBy::default();
    if tokens.is_empty() {
        return Ok(read);
    }
    for listed in tokens.split(|token| token.kind == TokenKind::Comma) {
        let (names, descending) = criterion(text, listed, &tokens).map_err(failed)?;
        match scope.field(&names, Purpose::Sort) {
            _ if read.keys.len() == MOST_KEYS => {
                let at = names.first().map_or(0, |(_, at)| *at);
                read.refused.push(failed(Mistake { at, problem: Problem::TooManyParts(MOST_KEYS) }));
            }
            Ok(field) => read.keys.push(OrderKey { field, descending }),
            Err((at, problem)) => read.refused.push(failed(Mistake { at, problem })),
        }
    }
    Ok(read)
}

/// `a.b desc`
fn criterion(text: &str, listed: &[Token<'_>], all: &[Token<'_>]) -> Result<(Vec<Name>, bool), Mistake> {
    let unexpected = |at: Option<&Token<'_>>, expected| {
        let (at, found) = match at {
            Some(token) => (token.at, token.shown(text)),
            None => (text.len(), "the end".to_owned()),
        };
        Mistake { at, problem: Problem::Unexpected { expected, found } }
    };
    // The token behind the last one that was looked at: within the criterion, else the comma behind it.
    let behind = |rest: &[Token<'_>]| {
        let at = rest.first().map(|token| token.at);
        let end = listed.last().map(|token| token.at);
        all.iter().find(|token| at.map_or_else(|| end.is_some_and(|end| token.at > end), |at| token.at == at)).cloned()
    };
    let mut names = Vec::new();
    let mut rest = listed;
    loop {
        let [token, behind_it @ ..] = rest else {
            return Err(unexpected(behind(rest).as_ref(), "the name of a property"));
        };
        let (TokenKind::Word(name) | TokenKind::Variable(name)) = token.kind else {
            return Err(unexpected(Some(token), "the name of a property"));
        };
        names.push((name.to_owned(), token.at));
        rest = behind_it;
        match rest {
            [Token { kind: TokenKind::Dot, .. }, behind_it @ ..] => rest = behind_it,
            _ => break,
        }
    }
    let descending = match rest {
        [] => false,
        [Token { kind: TokenKind::Word(word), .. }] if word.eq_ignore_ascii_case("asc") => false,
        [Token { kind: TokenKind::Word(word), .. }] if word.eq_ignore_ascii_case("desc") => true,
        [first, second, ..] if matches!(first.kind, TokenKind::Word("asc" | "desc")) => {
            return Err(unexpected(Some(second), "a comma"));
        }
        [first, ..] => return Err(unexpected(Some(first), "asc, desc or a comma")),
    };
    Ok((names, descending))
}
