//! Ids cross as texts, as people see them.

use std::str::FromStr;

use parlour::Who;

/// A text that is no id.
#[derive(Debug)]
pub(crate) struct NotAnId;

pub(crate) fn parse<T: FromStr>(text: &str) -> Result<T, NotAnId> {
    text.parse().map_err(|_| NotAnId)
}

pub(crate) fn parse_all<T: FromStr>(texts: &[String]) -> Result<Vec<T>, NotAnId> {
    texts.iter().map(|text| parse(text)).collect()
}

pub(crate) fn show<T: ToString>(id: T) -> String {
    id.to_string()
}

pub(crate) fn show_all<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Somebody by id, or by the subject of their tokens.
pub(crate) fn who(text: String) -> Who {
    match text.parse() {
        Ok(id) => Who::Id(id),
        Err(_) => Who::Subject(text),
    }
}
