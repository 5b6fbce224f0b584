//! The words, values and signs of a query (core 2.12, literals).

use super::error::Problem;
use super::expression::Literal;
use super::moment::moment;
use winnow::combinator::{alt, delimited, opt, peek, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, literal, one_of, take_till, take_while};
use winnow::{ModalResult, Parser};

/// Characters a query may have.
const LONGEST: usize = 8192;
/// Words, values and signs it may have.
const MOST_TOKENS: usize = 4000;
/// Digits of a number: what can be compared exactly everywhere.
pub(super) const MOST_DIGITS: usize = 38;

/// A word, value or sign, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    /// Offset of its first byte.
    pub(super) at: usize,
    /// Offset behind its last byte.
    end: usize,
}

/// What a [`Token`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind<'t> {
    /// A name or a named operator.
    Word(&'t str),
    /// A protocol variable, with its `$`.
    Variable(&'t str),
    /// A text, number, date, time or timestamp.
    Value(Literal),
    Open,
    Close,
    Comma,
    Dot,
    Plus,
    Minus,
}

/// What is wrong at a byte of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

impl Mistake {
    /// An error that no other reading of the text can mend.
    pub(super) const fn at(at: usize, problem: Problem) -> ErrMode<Self> {
        ErrMode::Cut(Self { at, problem })
    }
}

impl<I: Stream + Location> ParserError<I> for Mistake {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        let problem = Problem::Unexpected { expected: "something else", found: "this".to_owned() };
        Self { at: input.current_token_start(), problem }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

impl Location for Token<'_> {
    fn previous_token_end(&self) -> usize {
        self.end
    }

    fn current_token_start(&self) -> usize {
        self.at
    }
}

impl Token<'_> {
    /// The token as a message shows it.
    pub(super) fn shown(&self, text: &str) -> String {
        format!("'{}'", text.get(self.at..self.end).unwrap_or_default())
    }
}

type Input<'t> = LocatingSlice<&'t str>;
type Lexed<'t> = ModalResult<TokenKind<'t>, Mistake>;

/// Takes a query apart.
///
/// # Errors
/// Where the text is too long, or holds what begins no word, value or sign.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Mistake> {
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        return Err(Mistake { at, problem: Problem::TooLong(LONGEST) });
    }
    let mut input = LocatingSlice::new(text);
    let mut found = Vec::new();
    loop {
        blank(&mut input);
        if input.is_empty() {
            return Ok(found);
        }
        let at = input.current_token_start();
        if found.len() == MOST_TOKENS {
            return Err(Mistake { at, problem: Problem::TooManyParts(MOST_TOKENS) });
        }
        match token.with_span().parse_next(&mut input) {
            Ok((kind, span)) => found.push(Token { kind, at: span.start, end: span.end }),
            Err(error) => return Err(error.into_inner().unwrap_or_else(|_| unknown(&input))),
        }
    }
}

fn blank(input: &mut Input<'_>) {
    let _: ModalResult<&str, Mistake> = take_while(0.., char::is_whitespace).parse_next(input);
}

fn token<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    alt((word, variable, number, quoted, between_ats, sign, nothing)).parse_next(input)
}

fn name<'t>(input: &mut Input<'t>) -> ModalResult<&'t str, Mistake> {
    let first = |character: char| character.is_alphabetic() || character == '_';
    (one_of(first), take_while(0.., |character: char| character.is_alphanumeric() || character == '_'))
        .take()
        .parse_next(input)
}

fn word<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    name.map(TokenKind::Word).parse_next(input)
}

fn variable<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    ('$', name).take().map(TokenKind::Variable).parse_next(input)
}

/// An integer or decimal; a sign is an operator.
fn number<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    let at = input.current_token_start();
    let digits = |least| take_while(least.., |character: char| character.is_ascii_digit());
    let whole = (digits(1), opt(('.', digits(1)))).take();
    let fraction = ('.', digits(1)).take();
    let written: &str = alt((whole, fraction)).parse_next(input)?;
    let significant = written.trim_start_matches('0').bytes().filter(u8::is_ascii_digit).count();
    if significant > MOST_DIGITS {
        return Err(Mistake::at(at, Problem::LongNumber(MOST_DIGITS)));
    }
    let leading = if written.starts_with('.') { "0" } else { "" };
    Ok(TokenKind::Value(Literal::Number(format!("{leading}{written}"))))
}

/// A text in either quotes; the quote itself is doubled within.
fn quoted<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    let at = input.current_token_start();
    let quote = one_of(['\'', '"']).parse_next(input)?;
    let doubled = (quote, quote).value(quote);
    let inside = alt((any.verify(|character: &char| *character != quote), doubled));
    let text: String = repeat(0.., inside).parse_next(input)?;
    match literal::<_, _, ErrMode<Mistake>>(quote).parse_next(input) {
        Ok(_) => Ok(TokenKind::Value(Literal::Text(text))),
        Err(_) => Err(Mistake::at(at, Problem::OpenText)),
    }
}

/// A date, time or timestamp. At the end of the text the closing `@` may be missing, as in an example of core 2.12.
fn between_ats<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    let at = input.current_token_start();
    let written: &str = delimited('@', take_till(0.., '@'), opt('@')).parse_next(input)?;
    let read = moment(written.trim()).map(TokenKind::Value);
    read.ok_or_else(|| Mistake::at(at, Problem::BadMoment(written.to_owned())))
}

fn sign<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    let kind = |character| match character {
        '(' => Some(TokenKind::Open),
        ')' => Some(TokenKind::Close),
        ',' => Some(TokenKind::Comma),
        '.' => Some(TokenKind::Dot),
        '+' => Some(TokenKind::Plus),
        '-' => Some(TokenKind::Minus),
        _ => None,
    };
    any.verify_map(kind).parse_next(input)
}

fn nothing<'t>(input: &mut Input<'t>) -> Lexed<'t> {
    let _: char = peek(any).parse_next(input)?;
    Err(ErrMode::Cut(unknown(input)))
}

fn unknown(input: &Input<'_>) -> Mistake {
    let found = input.chars().next().map(|character| format!("'{character}'")).unwrap_or_default();
    let problem = Problem::Unexpected { expected: "a name, a value, an operator or a parenthesis", found };
    Mistake { at: input.current_token_start(), problem }
}
