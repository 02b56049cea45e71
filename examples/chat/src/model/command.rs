//! What a line of input asks for: a message, or one of the commands that begin with a slash.

use super::poll;

/// A line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A message for the open room.
    Text(String),
    /// Something to do.
    Command(Command),
}

/// What can be asked for besides writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Direct(String),
    Group {
        name: String,
        members: Vec<String>,
    },
    Room(String),
    Invite(Vec<String>),
    Leave,
    Rename(String),
    /// The new text of the own last message; empty: put the old one into the input line.
    Edit(String),
    Delete,
    /// An emoji for the last message; again takes it off.
    React(String),
    /// A poll.
    Poll(parlour::NewPoll),
    /// Options of the last poll, by places from 0; none takes the vote back.
    Vote(Vec<u32>),
    /// The end of the last poll.
    ClosePoll,
    /// An answer to the last message of others.
    Reply(String),
    /// A file, and what to say with it.
    Attach {
        path: String,
        text: String,
    },
    /// The folder that the last attachments are saved in; empty: the present one.
    Save(String),
    /// A reply in the thread under the last message of others; empty: show the last thread.
    Thread(String),
    /// From a thread to its room.
    Back,
    Retry,
    Unread,
    /// What to look for, with `from:`, `in:` and the like.
    Search(String),
    /// What to say of oneself; empty: nothing any more.
    Status(String),
    Reconnect,
    Help,
    Quit,
}

/// Every command with its arguments and meaning, for help and completion.
pub(crate) const COMMANDS: &[(&str, &str, &str)] = &[
    ("dm", "NAME", "write to somebody alone"),
    ("group", "NAME a b c", "make a group with these members; \"quotes\" around a long name"),
    ("room", "NAME", "open a room"),
    ("invite", "a b c", "add members to this group"),
    ("rename", "NAME", "give this group another name"),
    ("leave", "", "leave this group"),
    ("edit", "[TEXT]", "change your last message"),
    ("delete", "", "delete your last message"),
    ("react", "EMOJI", "put an emoji to the last message, or take yours off"),
    ("poll", "QUESTION A B ...", "ask; `anonymous` or `several` may stand before it; \"quotes\""),
    ("vote", "[1 2 ...]", "choose in the last poll; alone, take your vote back"),
    ("close", "", "end the last poll"),
    ("reply", "TEXT", "answer the last message of others"),
    ("attach", "FILE [TEXT]", "send a file; \"quotes\" around a name with spaces"),
    ("save", "[FOLDER]", "save the files of the last message that has some"),
    ("thread", "[TEXT]", "reply under the last message of others; alone, show the last thread"),
    ("back", "", "from a thread to its room, as Esc"),
    ("search", "WORDS", "find messages; from:@ann in:#room has:link \"phrase\""),
    ("retry", "", "send again what failed"),
    ("unread", "", "mark the last message of others as unread"),
    ("status", "[TEXT]", "say something of yourself, beside your name; alone, nothing any more"),
    ("reconnect", "", "connect now instead of waiting"),
    ("help", "", "show keys and commands"),
    ("quit", "", "leave, as Ctrl-C; what waits is sent next time"),
];

/// Reads a line. Two slashes at the start stand for a message that begins with one.
pub(crate) fn parse(line: &str) -> Result<Line, String> {
    let Some(rest) = line.strip_prefix('/') else { return Ok(Line::Text(line.to_owned())) };
    if rest.starts_with('/') {
        return Ok(Line::Text(rest.to_owned()));
    }
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rest = rest.trim();
    let command = match word {
        "dm" => Command::Direct(one_name(word, rest)?),
        "group" => {
            let mut words = words(rest).into_iter();
            let name = words.next().ok_or_else(|| usage(word))?;
            Command::Group { name, members: words.map(|name| plain_name(&name)).collect() }
        }
        "room" => Command::Room(needed(word, rest)?),
        "invite" => {
            needed(word, rest)?;
            Command::Invite(words(rest).iter().map(|name| plain_name(name)).collect())
        }
        "rename" => Command::Rename(unquoted(&needed(word, rest)?)),
        "edit" => Command::Edit(rest.to_owned()),
        "leave" => Command::Leave,
        "delete" => Command::Delete,
        "react" => Command::React(needed(word, rest)?),
        "poll" => Command::Poll(poll::parse(words(rest)).ok_or_else(|| usage(word))?),
        "vote" => Command::Vote(poll::parse_vote(&words(rest)).ok_or_else(|| usage(word))?),
        "close" => Command::ClosePoll,
        "reply" => Command::Reply(needed(word, rest)?),
        "attach" => {
            let (path, text) = first_word(&needed(word, rest)?);
            Command::Attach { path, text }
        }
        "save" => Command::Save(unquoted(rest)),
        "thread" => Command::Thread(rest.to_owned()),
        "back" => Command::Back,
        "search" => Command::Search(needed(word, rest)?),
        "retry" => Command::Retry,
        "unread" => Command::Unread,
        "status" => Command::Status(rest.to_owned()),
        "reconnect" => Command::Reconnect,
        "help" => Command::Help,
        "quit" | "exit" => Command::Quit,
        _ => return Err(format!("there is no command /{word}; /help shows what there is")),
    };
    Ok(Line::Command(command))
}

/// The commands that begin with this, without the slash.
pub(crate) fn completions(start: &str) -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, ..)| *name).filter(move |name| name.starts_with(start))
}

fn usage(word: &str) -> String {
    let arguments =
        COMMANDS.iter().find(|(name, ..)| *name == word).map_or("", |(_, args, _)| args);
    format!("usage: /{word} {arguments}")
}

fn needed(word: &str, rest: &str) -> Result<String, String> {
    if rest.is_empty() { Err(usage(word)) } else { Ok(rest.to_owned()) }
}

fn one_name(word: &str, rest: &str) -> Result<String, String> {
    Ok(plain_name(&unquoted(&needed(word, rest)?)))
}

/// People are as well written `@ada` as `ada`.
fn plain_name(name: &str) -> String {
    name.strip_prefix('@').unwrap_or(name).to_owned()
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// The first word, which may stand in double quotes, and what is behind it.
fn first_word(text: &str) -> (String, String) {
    let (word, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    (word.to_owned(), rest.trim().to_owned())
}

/// Words between spaces; what stands in double quotes is one word.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !word.is_empty() {
            found.push(word.to_owned());
        }
        rest = after.trim_start();
    }
    found
}
