//! The contract may grow but never change: what the baseline says stays true. The baseline is the
//! contract as plain lines; its own header says of when. `PARLOUR_BASELINE=write cargo test -p
//! parlour-protocol --test breaking` takes the present one, unless that would bless a break: those
//! take a second word, `PARLOUR_BASELINE_BREAKS=accept`.

use std::{collections::BTreeMap, collections::BTreeSet, env, fs, path::PathBuf};

use parlour_protocol::generated::DESCRIPTORS;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, MessageDescriptor,
    ServiceDescriptor,
};

#[test]
fn nothing_the_baseline_says_has_changed() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("baseline/v1.txt");
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let is_set = |name: &str, word: &str| env::var(name).is_ok_and(|value| value == word);
    let then = fs::read_to_string(&path).unwrap();
    let written = compare(
        &then,
        &facts(&pool),
        is_set("PARLOUR_BASELINE", "write"),
        is_set("PARLOUR_BASELINE_BREAKS", "accept"),
    );
    match written {
        Ok(Some(text)) => fs::write(&path, text).unwrap(),
        Ok(None) => {}
        Err(broken) => panic!(
            "breaks the contract of the baseline, which stays as it is:\n{}",
            broken.join("\n")
        ),
    }
}

/// What is to be written to the baseline's file, if anything; or what is broken, and then nothing is
/// written. Its header, the lines that begin with `#`, is kept.
fn compare(
    then: &str,
    now: &[String],
    writes: bool,
    accepts: bool,
) -> Result<Option<String>, Vec<String>> {
    let (header, then): (Vec<&str>, Vec<&str>) =
        then.lines().partition(|line| line.starts_with('#'));
    let then: Vec<String> = then.into_iter().map(ToOwned::to_owned).collect();
    let broken = breaks(&then, now);
    let taken = writes && accepts;
    if !broken.is_empty() && !taken {
        return Err(broken);
    }
    let lines = header.into_iter().chain(now.iter().map(String::as_str));
    Ok(writes.then(|| lines.flat_map(|line| [line, "\n"]).collect()))
}

/// What a released client or server relies on, one fact a line: first what it is about, then,
/// after a colon, what is true of it.
fn facts(pool: &DescriptorPool) -> Vec<String> {
    let mut out = Vec::new();
    let ours = |name: &str| name.starts_with("parlour.") && !name.starts_with("parlour.options.");
    for message in pool.all_messages().filter(|message| ours(message.full_name())) {
        message_facts(&message, &mut out);
    }
    for one in pool.all_enums().filter(|one| ours(one.full_name())) {
        enum_facts(&one, &mut out);
    }
    for service in pool.services().filter(|service| ours(service.full_name())) {
        service_facts(pool, &service, &mut out);
    }
    out.sort();
    out
}

fn message_facts(message: &MessageDescriptor, out: &mut Vec<String>) {
    let name = message.full_name();
    out.push(format!("message {name}: is there"));
    for field in message.fields() {
        out.push(format!("field {name} {}: {}", field.number(), field_fact(&field)));
    }
    for number in message.reserved_ranges().flat_map(|range| range.take(1000)) {
        out.push(format!("retired {name} number {number}: for ever"));
    }
    for word in message.reserved_names() {
        out.push(format!("retired {name} name {word}: for ever"));
    }
    let rule = rule(message.parent_pool(), &message.options(), "parlour.options.v1.event");
    if let Some(rule) = rule {
        out.push(format!("event {name}: {rule}"));
    }
}

fn field_fact(field: &FieldDescriptor) -> String {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    let place = match &oneof {
        Some(oneof) => format!("oneof {}", oneof.name()),
        None if field.is_list() => "repeated".to_owned(),
        None if field.is_map() => "map".to_owned(),
        None if field.supports_presence() => "optional".to_owned(),
        None => "plain".to_owned(),
    };
    format!("{} json={} {:?} {place}", field.name(), field.json_name(), field.kind())
}

fn enum_facts(one: &EnumDescriptor, out: &mut Vec<String>) {
    let name = one.full_name();
    out.push(format!("enum {name}: is there"));
    for value in one.values() {
        out.push(format!("value {name} {}: {}", value.number(), value.name()));
    }
    for number in one.reserved_ranges().flat_map(|range| range.take(1000)) {
        out.push(format!("retired {name} number {number}: for ever"));
    }
    for word in one.reserved_names() {
        out.push(format!("retired {name} name {word}: for ever"));
    }
}

fn service_facts(pool: &DescriptorPool, service: &ServiceDescriptor, out: &mut Vec<String>) {
    for method in service.methods() {
        let rule = rule(pool, &method.options(), "parlour.options.v1.method").unwrap_or_default();
        let stream = |yes: bool| if yes { "stream " } else { "" };
        out.push(format!(
            "method {}: {}{} -> {}{} {rule}",
            method.full_name(),
            stream(method.is_client_streaming()),
            method.input().full_name(),
            stream(method.is_server_streaming()),
            method.output().full_name(),
        ));
    }
}

/// One of our options as text.
fn rule(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<String> {
    let extension = pool.get_extension_by_name(name).expect("the options are in the pool");
    if !options.has_extension(&extension) {
        return None;
    }
    let rule = options.get_extension(&extension);
    let rule = rule.as_message().expect("an option is a message");
    // Whether a method needs a connection is about calls without one, which are younger than methods.
    let fields = rule.fields().filter(|(field, _)| field.name() != "connection");
    let all: Vec<String> =
        fields.map(|(field, value)| format!("{}={value}", field.name())).collect();
    Some(all.join(" "))
}

/// What was true and no longer is.
fn breaks(then: &[String], now: &[String]) -> Vec<String> {
    fn split(line: &str) -> (&str, &str) {
        line.split_once(": ").expect("a fact has a colon")
    }
    let present: BTreeMap<&str, &str> = now.iter().map(|line| split(line)).collect();
    let retired: BTreeSet<&str> =
        present.keys().copied().filter(|k| k.starts_with("retired ")).collect();
    let mut broken = Vec::new();
    for line in then {
        let (what, was) = split(line);
        match present.get(what) {
            Some(is) if *is == was => {}
            Some(is) => broken.push(format!("{what}: was `{was}`, is `{is}`")),
            None => broken.extend(unless_retired(what, was, &retired)),
        }
    }
    broken
}

/// A field or enum value may go if its number and its name are reserved; nothing else may.
fn unless_retired(what: &str, was: &str, retired: &BTreeSet<&str>) -> Option<String> {
    let words: Vec<&str> = what.split(' ').collect();
    let [kind @ ("field" | "value"), owner, number] = words[..] else {
        return Some(format!("{what}: is gone"));
    };
    let name = was.split(' ').next().unwrap_or_default();
    let number = format!("retired {owner} number {number}");
    let name = format!("retired {owner} name {name}");
    let kept = retired.contains(number.as_str()) && retired.contains(name.as_str());
    (!kept).then(|| format!("{kind} of {owner}: is gone; reserve its number and its name ({was})"))
}

mod checker {
    //! What the check lets through, and what it catches.

    use super::*;

    const THEN: &str = "\
field p.M 1: a json=a string plain
field p.M 2: b json=b uint32 plain
message p.M: is there
method p.S.Go: p.M -> p.M id=4 lane=1
retired p.M name old: for ever
value p.E 1: E_ONE";

    fn lines(text: &str) -> Vec<String> {
        text.lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
    }

    fn broken_by(from: &str, to: &str) -> Vec<String> {
        assert!(THEN.contains(from), "{from}");
        breaks(&lines(THEN), &lines(&THEN.replace(from, to)))
    }

    #[test]
    fn additions_break_nothing() {
        let more = format!("{THEN}\nfield p.M 3: c json=c bool plain\nmessage p.N: is there");
        assert!(breaks(&lines(THEN), &lines(&more)).is_empty());
    }

    #[test]
    fn a_changed_type_name_number_label_or_method_breaks() {
        for (from, to) in [
            ("a json=a string plain", "a json=a bytes plain"),
            ("a json=a", "z json=a"),
            ("b json=b", "b json=bee"),
            ("uint32 plain", "uint32 repeated"),
            ("uint32 plain", "uint32 oneof c"),
            ("field p.M 1:", "field p.M 7:"),
            ("value p.E 1: E_ONE", "value p.E 1: E_UNO"),
            ("id=4", "id=5"),
            ("lane=1", "lane=2"),
        ] {
            assert_eq!(broken_by(from, to).len(), 1, "{from} to {to}");
        }
    }

    #[test]
    fn what_is_gone_breaks_unless_number_and_name_are_retired() {
        assert_eq!(broken_by("value p.E 1: E_ONE", "").len(), 1);
        assert_eq!(broken_by("message p.M: is there\n", "").len(), 1);
        assert_eq!(broken_by("retired p.M name old: for ever\n", "").len(), 1);
        let number = "retired p.M number 2: for ever\n";
        let name = "retired p.M name b: for ever\n";
        let field = "field p.M 2: b json=b uint32 plain\n";
        assert_eq!(broken_by(field, number).len(), 1);
        assert_eq!(broken_by(field, name).len(), 1);
        assert!(broken_by(field, &format!("{number}{name}")).is_empty());
    }
    #[test]
    fn a_break_is_blessed_by_no_single_word() {
        let changed = lines(&THEN.replace("id=4", "id=5"));
        for (writes, accepts) in [(false, false), (true, false), (false, true)] {
            assert_eq!(compare(THEN, &changed, writes, accepts).unwrap_err().len(), 1);
        }
        let accepted = compare(THEN, &changed, true, true).unwrap().unwrap();
        assert!(accepted.contains("id=5"));
    }

    #[test]
    fn what_is_added_is_written_below_the_header_and_only_when_asked() {
        let then = format!("# What this is.\n{THEN}\n");
        let more = lines(&format!("{THEN}\nmessage p.N: is there"));
        assert_eq!(compare(&then, &more, false, false), Ok(None));
        let written = compare(&then, &more, true, false).unwrap().unwrap();
        assert_eq!(written, format!("# What this is.\n{THEN}\nmessage p.N: is there\n"));
    }
}
