//! Label selectors as they stand in a request: the text form, which kube can write and match but not read.

use kube::core::{Expression, Selector};
use std::collections::BTreeSet;

/// A selector that is not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the label selector \"{0}\" is not understood: write pool=NAME, pool!=NAME, pool in (A,B), pool notin (A,B), pool or !pool"
)]
pub(super) struct BadSelector(String);

/// The selector that `text` is; an empty one selects everything.
pub(super) fn parse(text: &str) -> Result<Selector, BadSelector> {
    if text.trim().is_empty() {
        return Ok(Selector::default());
    }
    let parsed: Option<Vec<Expression>> = requirements(text).into_iter().map(requirement).collect();
    parsed.map(Selector::from_iter).ok_or_else(|| BadSelector(text.to_owned()))
}

/// The parts between the commas that are not in parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c| {
        inside = (inside || c == '(') && c != ')';
        c == ',' && !inside
    })
    .collect()
}

fn requirement(text: &str) -> Option<Expression> {
    let text = text.trim();
    if let Some(key) = text.strip_prefix('!') {
        return Some(Expression::DoesNotExist(key_of(key)?));
    }
    if let Some((left, values)) = text.split_once('(') {
        let (key, operator) = left.trim().rsplit_once(char::is_whitespace)?;
        let (key, values) = (key_of(key)?, values_of(values.strip_suffix(')')?)?);
        return match operator {
            "in" => Some(Expression::In(key, values)),
            "notin" => Some(Expression::NotIn(key, values)),
            _ => None,
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(key_of(key)?, word(value)?));
    }
    match text.split_once("==").or_else(|| text.split_once('=')) {
        Some((key, value)) => Some(Expression::Equal(key_of(key)?, word(value)?)),
        None => Some(Expression::Exists(key_of(text)?)),
    }
}

fn values_of(text: &str) -> Option<BTreeSet<String>> {
    text.split(',').map(word).collect()
}

fn key_of(text: &str) -> Option<String> {
    word(text).filter(|key| !key.is_empty())
}

/// A key or a value, which may be empty.
fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.chars().all(plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;
    use std::collections::BTreeMap;

    fn matches(selector: &str, pool: &str) -> bool {
        let labels = BTreeMap::from([("pool".to_owned(), pool.to_owned())]);
        parse(selector).unwrap().matches(&labels)
    }

    #[test]
    fn selectors_by_equality_and_by_sets_match() {
        for (selector, a, b) in [
            ("", true, true),
            ("pool=a", true, false),
            ("pool==a", true, false),
            ("pool = a", true, false),
            ("pool!=a", false, true),
            ("pool in (a)", true, false),
            ("pool in (a, b)", true, true),
            ("pool notin (a,c)", false, true),
            ("pool", true, true),
            ("!pool", false, false),
            ("team", false, false),
            ("!team", true, true),
            ("pool in (a,b),pool!=b", true, false),
            ("pool=", false, false),
        ] {
            assert_eq!((matches(selector, "a"), matches(selector, "b")), (a, b), "{selector}");
        }
    }

    #[test]
    fn what_kube_writes_is_read() {
        let of = |names: [&str; 2]| names.map(str::to_owned).into();
        let selector: Selector = [
            Expression::Equal("pool".into(), "a".into()),
            Expression::NotEqual("tessera.dev/x".into(), "b".into()),
            Expression::In("c".into(), of(["d", "e"])),
            Expression::NotIn("f".into(), of(["g", "h"])),
            Expression::Exists("i".into()),
            Expression::DoesNotExist("j".into()),
        ]
        .into_iter()
        .collect();
        assert_eq!(parse(&selector.to_string()), Ok(selector));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_selects_everything() {
        for text in
            ["pool>5", "pool in (a", "pool in a", "pool within (a)", "=a", "pool=a,", "pool=a b", ",", "!"]
        {
            assert_eq!(parse(text), Err(BadSelector(text.to_owned())));
        }
    }
}
