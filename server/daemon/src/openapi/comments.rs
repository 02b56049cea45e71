//! What the contract says of its parts in words.

use prost_reflect::FileDescriptor;

/// The comment before whatever stands at that path, as one paragraph a blank line.
pub(super) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let Some(info) = &file.file_descriptor_proto().source_code_info else { return String::new() };
    let found = info.location.iter().find(|location| location.path == path);
    let text = found.and_then(|location| location.leading_comments.as_deref()).unwrap_or_default();
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
