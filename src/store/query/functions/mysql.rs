//! Functions on MySQL and MariaDB.

use super::super::flavor::{Flavor, Form, Sql};
use super::super::mysql::MySql;
use super::{LONGEST, expressions, padded, part};
use crate::query::Function;
use sea_orm::sea_query::Expr;

/// A number that counts characters, as an integer.
const COUNT: &str = "CAST(LEAST(GREATEST(TRUNCATE({}, 0), -1000000000), 1000000000) AS SIGNED)";
/// What letters and patterns are told apart by.
const BYTES: &str = "COLLATE utf8mb4_bin";

pub(in super::super) fn call(flavor: &MySql, function: Function, mut arguments: Vec<Sql>) -> Sql {
    let text = |template: &str, arguments: Vec<Expr>| Sql::made(flavor.sql(template, arguments), Form::Text);
    let number = |template: &str, arguments: Vec<Expr>| flavor.number(flavor.sql(template, arguments));
    let exact = |template: &str, arguments: Vec<Expr>| Sql::made(flavor.sql(template, arguments), Form::Exact);
    let count = |place: &str| COUNT.replace("{}", place);
    match function {
        Function::Concat => {
            let places: Vec<String> = (1..=arguments.len()).map(|place| format!("${place}")).collect();
            text(&format!("CONCAT({})", places.join(", ")), expressions(arguments))
        }
        Function::Left => text(&format!("LEFT($1, {})", count("$2")), expressions(arguments)),
        Function::Right => text(&format!("RIGHT($1, {})", count("$2")), expressions(arguments)),
        Function::Substring => {
            let (b, c) = (count("b"), count("c"));
            let template =
                format!("SUBSTRING(a, GREATEST({b}, 1), GREATEST({b} + GREATEST({c}, 0) - GREATEST({b}, 1), 0))");
            text(&bound(&template, &arguments), expressions(arguments))
        }
        Function::Lower => text(&format!("LOWER($1 {BYTES})"), expressions(arguments)),
        Function::Upper => text(&format!("UPPER($1 {BYTES})"), expressions(arguments)),
        // A null that would stand for nothing found is not looked at: it must be seen before.
        Function::Replace => text(&bound(&format!("REPLACE(a {BYTES}, b, c)"), &arguments), expressions(arguments)),
        Function::Length => number("CHAR_LENGTH($1)", expressions(arguments)),
        Function::Locate => number(&format!("LOCATE($1, $2 {BYTES})"), expressions(arguments)),
        Function::Lpad | Function::Rpad => {
            let arguments = padded(arguments);
            let name = if function == Function::Lpad { "LPAD" } else { "RPAD" };
            let wanted = format!("LEAST(GREATEST({}, 0), {LONGEST})", count("b"));
            let template = format!("IF(CHAR_LENGTH(c) = 0, LEFT(a, {wanted}), {name}(a, {wanted}, c))");
            text(&bound(&template, &arguments), expressions(arguments))
        }
        Function::Trim => text("TRIM(BOTH ' ' FROM $1)", expressions(arguments)),
        Function::Ascii => {
            number("CONV(CONCAT('0', HEX(CONVERT(LEFT($1, 1) USING utf32))), 16, 10)", expressions(arguments))
        }
        Function::Char => {
            let a = count("a");
            let template = format!(
                "CASE WHEN {a} BETWEEN 1 AND 55295 OR {a} BETWEEN 57344 AND 1114111 \
                 THEN CONVERT(CONVERT(UNHEX(LPAD(HEX({a}), 8, '0')) USING utf32) USING utf8mb4) END"
            );
            text(&bound(&template, &arguments), expressions(arguments))
        }
        Function::Abs => exact("ABS($1)", expressions(arguments)),
        Function::Sign => number("SIGN($1)", expressions(arguments)),
        Function::Round | Function::Trunc => {
            if arguments.len() == 1 {
                arguments.push(flavor.number(Expr::val("0")));
            }
            let name = if function == Function::Round { "ROUND" } else { "TRUNCATE" };
            let template = format!("{name}($1, LEAST(GREATEST({}, -30), 30))", count("$2"));
            number(&template, expressions(arguments))
        }
        Function::Floor => number("FLOOR($1)", expressions(arguments)),
        Function::Ceil => number("CEILING($1)", expressions(arguments)),
        Function::Pow => number(&bound(POWER, &arguments), expressions(arguments)),
        Function::Year
        | Function::Month
        | Function::Day
        | Function::Hour
        | Function::Minute
        | Function::Second
        | Function::Millisecond => {
            let (at, digits) = part(function, &arguments);
            number(&format!("SUBSTRING($1, {at}, {digits})"), expressions(arguments))
        }
        Function::TzHour | Function::TzMinute => number("IF($1 IS NULL, NULL, 0)", expressions(arguments)),
        Function::DateAdd | Function::DateSub => {
            let name = if function == Function::DateAdd { "DATE_ADD" } else { "DATE_SUB" };
            let days = "CAST(LEAST(GREATEST(TRUNCATE($2, 0), -4000000), 4000000) AS SIGNED)";
            let template = format!("DATE_FORMAT({name}(CAST($1 AS DATE), INTERVAL {days} DAY), '%Y-%m-%d')");
            calendar(flavor, &template, arguments)
        }
        Function::TimestampAdd | Function::TimestampSub => {
            let name = if function == Function::TimestampAdd { "DATE_ADD" } else { "DATE_SUB" };
            let micros = "CAST(LEAST(GREATEST(TRUNCATE($2, 0), -400000000000000), 400000000000000) * 1000 AS SIGNED)";
            let template = format!(
                "DATE_FORMAT({name}(CAST(REPLACE(LEFT($1, 26), 'T', ' ') AS DATETIME(6)), INTERVAL {micros} MICROSECOND), \
                 '%Y-%m-%dT%H:%i:%s.%fZ')"
            );
            calendar(flavor, &template, arguments)
        }
    }
}

/// The year before the first is none.
fn calendar(flavor: &MySql, template: &str, arguments: Vec<Sql>) -> Sql {
    let moved = flavor.sql(template, expressions(arguments));
    Sql::made(flavor.sql("IF(LEFT($1, 4) = '0000', NULL, $1)", vec![moved]), Form::Calendar)
}

/// In double precision, 15 digits of which count; null where the result is no number or has too many digits.
const POWER: &str = "CASE WHEN a = 0 AND b < 0 OR a < 0 AND b <> TRUNCATE(b, 0) THEN NULL \
     WHEN b = 0 THEN 1 WHEN a = 0 THEN 0 \
     WHEN b * LOG10(ABS(a)) > 44 THEN NULL WHEN b * LOG10(ABS(a)) < -300 THEN 0 \
     ELSE ROUND(POW(a, b), LEAST(14 - FLOOR(LEAST(GREATEST(b * LOG10(ABS(a)), -300), 44)), 30)) END";

/// As `bound` of the other databases: a derived table may not refer to what is around it in MariaDB, `JSON_TABLE` may.
fn bound(template: &str, arguments: &[Sql]) -> String {
    let names = ["a", "b", "c"];
    let columns = names.iter().zip(arguments).map(|(name, argument)| {
        let column_type = if argument.form == Form::Exact {
            "DECIMAL(65,20)"
        } else {
            "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        };
        format!("{name} {column_type} PATH '$.{name}'")
    });
    let columns: Vec<String> = columns.collect();
    let members: Vec<String> =
        names.iter().zip(1..=arguments.len()).map(|(name, place)| format!("'{name}', ${place}")).collect();
    let present: Vec<String> = names.iter().take(arguments.len()).map(|name| format!("{name} IS NOT NULL")).collect();
    let (members, columns, present) = (members.join(", "), columns.join(", "), present.join(" AND "));
    format!(
        "(SELECT {template} FROM JSON_TABLE(JSON_ARRAY(JSON_OBJECT({members})), '$[*]' COLUMNS ({columns})) AS arguments \
         WHERE {present})"
    )
}
