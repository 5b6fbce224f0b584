//! Functions on SQLite, which has few of its own: numbers are computed in floating point.

use super::super::flavor::{Flavor, Form, Sql};
use super::super::sqlite::Sqlite;
use super::{LONGEST, Letters, TO_LOWER, TO_UPPER, bound, expressions, padded, part};
use crate::query::Function;
use sea_orm::sea_query::Expr;

/// Ten to the power of the decimals asked for.
const SCALE: &str = "CAST('1e' || max(min(CAST(b AS INTEGER), 30), -30) AS REAL)";
/// What is missing to the length that is asked for, filled with `c`.
const PADDING: &str =
    "substr(replace(hex(zeroblob(max(missing, 0) / max(length(c), 1) + 1)), '00', c), 1, max(missing, 0))";

pub(in super::super) fn call(flavor: &Sqlite, function: Function, mut arguments: Vec<Sql>) -> Sql {
    let numbers = |arguments: Vec<Sql>| {
        let number = |argument: Sql| match argument.form {
            Form::Exact | Form::Real => flavor.real(argument),
            _ => argument.expr,
        };
        arguments.into_iter().map(number).collect::<Vec<_>>()
    };
    let text = |template: &str, arguments: Vec<Expr>| Sql::made(flavor.sql(template, arguments), Form::Text);
    let integer = |template: &str, arguments: Vec<Expr>| flavor.integer(flavor.sql(template, arguments));
    let of = |template: &str, count: usize| bound(template, count, "");
    match function {
        Function::Concat => {
            let places: Vec<String> = (1..=arguments.len()).map(|place| format!("${place}")).collect();
            text(&format!("({})", places.join(" || ")), expressions(arguments))
        }
        Function::Left => text("substr($1, 1, max(CAST($2 AS INTEGER), 0))", numbers(arguments)),
        Function::Right => text(
            &of(
                "CASE WHEN CAST(b AS INTEGER) > 0 THEN substr(a, -min(CAST(b AS INTEGER), length(a) + 1)) ELSE '' END",
                2,
            ),
            numbers(arguments),
        ),
        Function::Substring => text(
            &of(
                "substr(a, max(CAST(b AS INTEGER), 1), max(min(CAST(b AS INTEGER), 1000000000) \
                 + min(max(CAST(c AS INTEGER), 0), 1000000000) - max(min(CAST(b AS INTEGER), 1000000000), 1), 0))",
                3,
            ),
            numbers(arguments),
        ),
        Function::Lower => translated(flavor, "lower", &TO_LOWER, arguments),
        Function::Upper => translated(flavor, "upper", &TO_UPPER, arguments),
        Function::Replace => text("replace($1, $2, $3)", expressions(arguments)),
        Function::Length => integer("length($1)", expressions(arguments)),
        Function::Locate => integer("instr($2, $1)", expressions(arguments)),
        Function::Lpad | Function::Rpad => {
            let padding = PADDING.replace("missing", "(wanted - length(a))");
            let cut = "substr(a, 1, max(wanted, 0))";
            let filled =
                if function == Function::Lpad { format!("{padding} || {cut}") } else { format!("{cut} || {padding}") };
            let filled = filled.replace("wanted", &format!("min(CAST(b AS INTEGER), {LONGEST})"));
            text(&of(&filled, 3), numbers(padded(arguments)))
        }
        Function::Trim => text("trim($1, ' ')", expressions(arguments)),
        Function::Ascii => integer(&of("coalesce(unicode(a), 0)", 1), expressions(arguments)),
        Function::Char => text(
            &of(
                "CASE WHEN CAST(a AS INTEGER) BETWEEN 1 AND 55295 OR CAST(a AS INTEGER) BETWEEN 57344 AND 1114111 \
                 THEN char(CAST(a AS INTEGER)) END",
                1,
            ),
            numbers(arguments),
        ),
        Function::Abs => flavor.computed("abs($1)", numbers(arguments)),
        Function::Sign => integer("sign($1)", numbers(arguments)),
        Function::Round | Function::Trunc => {
            if arguments.len() == 1 {
                arguments.push(flavor.number(Expr::val("0")));
            }
            // What floating point left behind the sixth decimal must not decide.
            let scaled = format!("round(a * {SCALE}, 6)");
            let whole = if function == Function::Round { format!("round({scaled})") } else { whole(&scaled) };
            flavor.computed(&of(&format!("{whole} / {SCALE}"), 2), numbers(arguments))
        }
        Function::Floor => flavor.computed(&of(&format!("{0} - ({0} > a)", whole("a")), 1), numbers(arguments)),
        Function::Ceil => flavor.computed(&of(&format!("{0} + ({0} < a)", whole("a")), 1), numbers(arguments)),
        Function::Pow => flavor.computed(&of(&POWER.replace("{found}", FOUND), 2), numbers(arguments)),
        Function::Year
        | Function::Month
        | Function::Day
        | Function::Hour
        | Function::Minute
        | Function::Second
        | Function::Millisecond => {
            let (at, digits) = part(function, &arguments);
            integer(&format!("CAST(substr($1, {at}, {digits}) AS INTEGER)"), expressions(arguments))
        }
        Function::TzHour | Function::TzMinute => integer("iif($1 IS NULL, NULL, 0)", expressions(arguments)),
        Function::DateAdd | Function::DateSub => {
            let sign = if function == Function::DateAdd { "" } else { "-" };
            let moved = format!("date(a, printf('%+d days', {sign}max(min(CAST(b AS INTEGER), 4000000), -4000000)))");
            let template = of(&format!("CASE WHEN {moved} >= '0001-01-01' THEN {moved} END"), 2);
            Sql::made(flavor.sql(&template, numbers(arguments)), Form::Calendar)
        }
        Function::TimestampAdd | Function::TimestampSub => {
            let sign = if function == Function::TimestampAdd { '+' } else { '-' };
            let micros = format!(
                "unixepoch(substr(a, 1, 19)) * 1000000 + CAST(substr(a, 21, 6) AS INTEGER) \
                 {sign} max(min(CAST(b AS INTEGER), 400000000000000), -400000000000000) * 1000"
            );
            let micros = flavor.sql(&of(&micros, 2), numbers(arguments));
            let moment = flavor.moment(Expr::cust("moved"));
            let template = "(SELECT CASE WHEN moved BETWEEN -62135596800000000 AND 253402300799999999 THEN $2 END \
                            FROM (SELECT $1 AS moved) AS moving)";
            Sql::made(flavor.sql(template, vec![micros, moment]), Form::Calendar)
        }
    }
}

/// A number cut to a whole one; from 2^53 on all are whole.
fn whole(number: &str) -> String {
    format!("iif(abs({number}) < 9007199254740992, CAST({number} AS INTEGER), {number})")
}

/// The database maps ASCII alone: other letters are looked up one by one.
fn translated(flavor: &Sqlite, name: &str, letters: &Letters, arguments: Vec<Sql>) -> Sql {
    let mut arguments = expressions(arguments);
    arguments.extend([Expr::val(letters.from.as_str()), Expr::val(letters.to.as_str())]);
    let template = format!(
        "(SELECT CASE WHEN a NOT GLOB '*[^ -~]*' THEN {name}(a) ELSE coalesce((\
         WITH RECURSIVE place(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM place WHERE i < length(a)) \
         SELECT group_concat(coalesce(substr($3, nullif(instr($2, substr(a, i, 1)), 0), 1), substr(a, i, 1)), '' ORDER BY i) \
         FROM place), '') END FROM (SELECT $1 AS a) AS arguments WHERE a IS NOT NULL)"
    );
    Sql::made(flavor.sql(&template, arguments), Form::Text)
}

/// Whether a guess is the square root.
const FOUND: &str = "(abs(guess * guess - square) <= square * 1e-15 OR tries > 1000)";

/// `a` to the power of `b`, 15 digits of which count: whole powers by squaring, the rest by square roots for the binary
/// digits of the exponent's fraction, each root by Newton's method. Null where the result is no number or none that fits.
const POWER: &str = "CASE WHEN a = 0 AND b < 0 OR a < 0 AND b <> CAST(b AS INTEGER) THEN NULL \
     WHEN b = 0 THEN 1.0 WHEN a = 0 THEN 0.0 ELSE (\
     WITH RECURSIVE \
     squared(n, base, product) AS (\
       SELECT CAST(abs(b) AS INTEGER), a, 1.0 \
       UNION ALL SELECT n / 2, base * base, iif(n % 2, product * base, product) FROM squared WHERE n > 0), \
     rooted(digits, rest, square, guess, tries, product) AS (\
       SELECT 0, abs(b) - CAST(abs(b) AS INTEGER), a, (a + 1) / 2, 0, 1.0 \
       UNION ALL SELECT \
         iif({found}, digits + 1, digits), iif({found}, rest * 2 - (rest * 2 >= 1), rest), iif({found}, guess, square), \
         iif({found}, (guess + 1) / 2, (guess + square / guess) / 2), iif({found}, 0, tries + 1), \
         iif({found} AND rest * 2 >= 1, product * guess, product) \
       FROM rooted WHERE rest > 0 AND digits < 52), \
     whole(power) AS (SELECT product FROM squared WHERE n = 0), \
     part(power) AS (SELECT product FROM rooted ORDER BY digits DESC, tries DESC LIMIT 1), \
     result(power) AS (SELECT iif(b < 0, 1 / (whole.power * part.power), whole.power * part.power) FROM whole, part) \
     SELECT iif(abs(power) > 1.7e308, NULL, CAST(printf('%.14e', power) AS REAL)) FROM result) END";
