//! Functions on PostgreSQL. Letter case is ours, not that of the database's locale.

use super::super::flavor::{Flavor, Form, Sql};
use super::super::postgres::Postgres;
use super::{LONGEST, Letters, TO_LOWER, TO_UPPER, bound, expressions, padded, part};
use crate::query::Function;
use sea_orm::sea_query::Expr;

/// A number that counts characters, as an integer.
const COUNT: &str = "CAST(LEAST(GREATEST(trunc({}), -1000000000), 1000000000) AS integer)";
/// Decimals to keep.
const DECIMALS: &str = "CAST(LEAST(GREATEST(trunc(b), -30), 30) AS integer)";

pub(in super::super) fn call(flavor: &Postgres, function: Function, arguments: Vec<Sql>) -> Sql {
    let text = |template: &str, arguments: Vec<Expr>| Sql::made(flavor.sql(template, arguments), Form::Text);
    let number = |template: &str, arguments: Vec<Expr>| {
        Sql::made(flavor.sql(&format!("CAST({template} AS numeric)"), arguments), Form::Exact)
    };
    let of = |template: &str, count: usize| bound(template, count, " OFFSET 0");
    let (b, c) = (COUNT.replace("{}", "b"), COUNT.replace("{}", "c"));
    match function {
        Function::Concat => {
            let places: Vec<String> = (1..=arguments.len()).map(|place| format!("${place}")).collect();
            text(&format!("({})", places.join(" || ")), expressions(arguments))
        }
        Function::Left => text(&of(&format!("left(a, GREATEST({b}, 0))"), 2), expressions(arguments)),
        Function::Right => text(&of(&format!("right(a, GREATEST({b}, 0))"), 2), expressions(arguments)),
        Function::Substring => text(&of(&format!("substring(a, {b}, GREATEST({c}, 0))"), 3), expressions(arguments)),
        Function::Lower => translated(flavor, &TO_LOWER, arguments),
        Function::Upper => translated(flavor, &TO_UPPER, arguments),
        Function::Replace => text("replace($1, $2, $3)", expressions(arguments)),
        Function::Length => number("length($1)", expressions(arguments)),
        Function::Locate => number("strpos($2, $1)", expressions(arguments)),
        Function::Lpad | Function::Rpad => {
            let name = if function == Function::Lpad { "lpad" } else { "rpad" };
            text(&of(&format!("{name}(a, LEAST({b}, {LONGEST}), c)"), 3), expressions(padded(arguments)))
        }
        Function::Trim => text("btrim($1, ' ')", expressions(arguments)),
        Function::Ascii => number("ascii($1)", expressions(arguments)),
        Function::Char => text(
            &of(
                "CASE WHEN trunc(a) BETWEEN 1 AND 55295 OR trunc(a) BETWEEN 57344 AND 1114111 THEN chr(CAST(trunc(a) AS integer)) END",
                1,
            ),
            expressions(arguments),
        ),
        Function::Abs => number("abs($1)", expressions(arguments)),
        Function::Sign => number("sign($1)", expressions(arguments)),
        Function::Round if arguments.len() == 2 => {
            number(&of(&format!("round(a, {DECIMALS})"), 2), expressions(arguments))
        }
        Function::Trunc if arguments.len() == 2 => {
            number(&of(&format!("trunc(a, {DECIMALS})"), 2), expressions(arguments))
        }
        Function::Round => number("round($1)", expressions(arguments)),
        Function::Trunc => number("trunc($1)", expressions(arguments)),
        Function::Floor => number("floor($1)", expressions(arguments)),
        Function::Ceil => number("ceil($1)", expressions(arguments)),
        Function::Pow => number(&of(POWER, 2), expressions(arguments)),
        Function::Year
        | Function::Month
        | Function::Day
        | Function::Hour
        | Function::Minute
        | Function::Second
        | Function::Millisecond => {
            let (at, digits) = part(function, &arguments);
            number(&format!("substr($1, {at}, {digits})"), expressions(arguments))
        }
        Function::TzHour | Function::TzMinute => number("CASE WHEN $1 IS NOT NULL THEN 0 END", expressions(arguments)),
        Function::DateAdd | Function::DateSub => {
            let sign = if function == Function::DateAdd { '+' } else { '-' };
            let days = format!(
                "(CAST(a AS date) - date '0001-01-01') {sign} CAST(LEAST(GREATEST(trunc(b), -4000000), 4000000) AS integer)"
            );
            let moved = format!(
                "CASE WHEN {days} BETWEEN 0 AND 3652058 THEN to_char(date '0001-01-01' + ({days}), 'YYYY-MM-DD') END"
            );
            Sql::made(flavor.sql(&of(&moved, 2), expressions(arguments)), Form::Calendar)
        }
        Function::TimestampAdd | Function::TimestampSub => {
            let sign = if function == Function::TimestampAdd { '+' } else { '-' };
            let micros = format!(
                "CAST(EXTRACT(EPOCH FROM CAST(a AS timestamptz)) * 1000000 AS bigint) \
                 {sign} CAST(LEAST(GREATEST(trunc(b), -400000000000000), 400000000000000) * 1000 AS bigint)"
            );
            let micros = flavor.sql(&of(&micros, 2), expressions(arguments));
            let moment = flavor.moment(Expr::cust("micros"));
            let template = "(SELECT CASE WHEN micros BETWEEN -62135596800000000 AND 253402300799999999 THEN $2 END \
                            FROM (SELECT $1 AS micros OFFSET 0) AS moved)";
            Sql::made(flavor.sql(template, vec![micros, moment]), Form::Calendar)
        }
    }
}

/// In double precision, 15 digits of which count; null where the result is no number or none that fits.
const POWER: &str = "CASE WHEN a = 0 AND b < 0 OR a < 0 AND b <> trunc(b) THEN NULL \
     WHEN a = 0 OR b = 0 THEN CASE WHEN b = 0 THEN 1 ELSE 0 END \
     WHEN abs(a) > 1e300 OR abs(b) > 1e300 OR abs(a) < 1e-300 THEN NULL \
     WHEN CAST(b AS float8) * ln(abs(CAST(a AS float8))) > 709 THEN NULL \
     WHEN CAST(b AS float8) * ln(abs(CAST(a AS float8))) < -700 THEN 0 \
     ELSE CAST(to_char(power(CAST(a AS float8), CAST(b AS float8)), '9.99999999999999EEEE') AS numeric) END";

fn translated(flavor: &Postgres, letters: &Letters, arguments: Vec<Sql>) -> Sql {
    let mut arguments = expressions(arguments);
    arguments.extend([Expr::val(letters.from.as_str()), Expr::val(letters.to.as_str())]);
    Sql::made(flavor.sql("translate($1, $2, $3)", arguments), Form::Text)
}
