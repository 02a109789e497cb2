//! What the policy promises of the SQL it writes.

use sillok_gateway::records::{Statement, policy::FUNCTIONS};
use sqlparser::{
    dialect::PostgreSqlDialect,
    keywords::Keyword,
    parser::Parser,
    tokenizer::{Token, Tokenizer, Word},
};

/// Deeper than the policy lets a statement nest, for every table becomes a derived one.
const RECURSION_LIMIT: usize = 2000;

/// The SQL is exactly one statement; no literal stands in it but the policy's own, and its placeholders are the
/// parameters, each there.
pub(crate) fn is_one_statement_without_the_callers_text(statement: &Statement) {
    let (sql, dialect) = (&statement.sql, PostgreSqlDialect {});
    let parsed = Parser::new(&dialect).with_recursion_limit(RECURSION_LIMIT).try_with_sql(sql);
    let parsed = parsed.and_then(|mut parser| parser.parse_statements());
    let count = parsed.unwrap_or_else(|error| panic!("{error}: {sql}")).len();
    assert_eq!(count, 1, "{sql}");

    let mut used = vec![false; statement.parameters.len()];
    let tokens = Tokenizer::new(&dialect, sql).tokenize();
    for token in tokens.unwrap_or_else(|error| panic!("{error}: {sql}")) {
        match token {
            Token::Placeholder(name) => *slot(&mut used, &name) = true,
            Token::Number(number, _) => {
                assert!(is_own(&number, statement.columns.len()), "{number} in {sql}")
            }
            // The escape of LIKE.
            Token::SingleQuotedString(text) => assert_eq!(text, "\\", "{sql}"),
            // A name is quoted, whoever's it is.
            Token::Word(Word { quote_style: Some('"'), .. }) => {}
            Token::Word(word) => assert!(is_sql(&word), "{word} in {sql}"),
            Token::Whitespace(space) => assert_eq!(space.to_string(), " ", "{sql}"),
            Token::Comma | Token::Period | Token::LParen | Token::RParen => {}
            Token::Eq | Token::Neq | Token::Lt | Token::LtEq | Token::Gt | Token::GtEq => {}
            Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => {}
            other => panic!("{other:?} in {sql}"),
        }
    }
    assert!(used.iter().all(|used| *used), "a parameter is bound in vain: {sql}");
}

fn slot<'u>(used: &'u mut [bool], name: &str) -> &'u mut bool {
    let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
    let place = number.and_then(|number| number.checked_sub(1)).and_then(|place| used.get_mut(place));
    place.unwrap_or_else(|| panic!("{name} is no parameter's"))
}

fn is_sql(word: &Word) -> bool {
    word.quote_style.is_none()
        && (word.keyword != Keyword::NoKeyword || FUNCTIONS.contains(&word.value.as_str()))
}

/// What the policy writes itself: a column's position in ORDER BY, a division by zero, a LIMIT that is none.
fn is_own(number: &str, columns: usize) -> bool {
    number.parse::<i64>().is_ok_and(|n| n == i64::MAX || usize::try_from(n).is_ok_and(|n| n <= columns))
}
