//! What is asked for, as tantivy has it. Filters don't count for relevance; times are looked at while
//! collecting.

use parlour_core::{ports::search::Query as Wanted, search::asked::Clause};
use tantivy::{
    Term,
    query::{
        BooleanQuery, ConstScoreQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, TermQuery,
        TermSetQuery,
    },
    schema::IndexRecordOption,
};

use crate::{
    limits::{PREFIXED_IN_PHRASE_MAX, PREFIXED_MAX, ROOMS_IN_QUERY_MAX},
    schema::{FILE, Fields, LINK},
};

/// The query; it doesn't keep to the rooms by itself where they are many.
pub(crate) fn query(fields: &Fields, wanted: &Wanted) -> BooleanQuery {
    let asked = &wanted.asked;
    let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut filter = |query: Box<dyn Query>| {
        let query: Box<dyn Query> = Box::new(ConstScoreQuery::new(query, 0.0));
        all.push((Occur::Must, query));
    };
    if wanted.rooms.len() <= ROOMS_IN_QUERY_MAX {
        let rooms = wanted.rooms.iter();
        filter(any(rooms.map(|room| Term::from_field_bytes(fields.room, room.as_bytes()))));
    }
    if !asked.senders.is_empty() {
        let senders = asked.senders.iter();
        filter(any(senders.map(|user| Term::from_field_bytes(fields.sender, user.as_bytes()))));
    }
    for (is_asked, what) in [(asked.has_link, LINK), (asked.has_file, FILE)] {
        if is_asked {
            filter(any([Term::from_field_u64(fields.has, what)]));
        }
    }
    if let (Some(root), [room, ..]) = (asked.thread_root, &wanted.rooms[..]) {
        let terms = [Term::from_field_u64(fields.thread, root), fields.key_term(*room, root)];
        filter(any(terms));
    }
    for clause in &asked.clauses {
        all.push((Occur::Must, text(fields, clause)));
    }
    BooleanQuery::new(all)
}

fn one(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn any(terms: impl IntoIterator<Item = Term>) -> Box<dyn Query> {
    let mut terms: Vec<Term> = terms.into_iter().collect();
    match terms.len() {
        1 => one(terms.remove(0)),
        n if n <= ROOMS_IN_QUERY_MAX => {
            let should = |term| (Occur::Should, one(term));
            Box::new(BooleanQuery::new(terms.into_iter().map(should).collect()))
        }
        _ => Box::new(TermSetQuery::new(terms)),
    }
}

fn text(fields: &Fields, Clause { words }: &Clause) -> Box<dyn Query> {
    let term = |word: &str| Term::from_field_text(fields.text, word);
    let terms: Vec<Term> = words.iter().map(|word| term(&word.text)).collect();
    let goes_on = words.last().is_some_and(|word| word.is_prefix);
    match (&terms[..], goes_on) {
        ([only], false) => Box::new(TermQuery::new(only.clone(), IndexRecordOption::WithFreqs)),
        (_, false) => Box::new(PhraseQuery::new(terms)),
        (_, true) => {
            let alone = terms.len() == 1;
            let mut query = PhrasePrefixQuery::new(terms);
            query.set_max_expansions(if alone { PREFIXED_MAX } else { PREFIXED_IN_PHRASE_MAX });
            Box::new(query)
        }
    }
}
