//! Attachments: safe names, and what goes out comes back.

use super::*;

fn file(name: &str) -> Attachment {
    let blob = Blob { hash: vec![0xab; 32].into(), size: 5, ..Blob::default() };
    let wire = blob::Attachment { blob: Some(blob), name: name.into(), ..Default::default() };
    Attachment::from_wire(wire).unwrap()
}

#[test]
fn names_of_others_are_safe_in_a_folder() {
    for (name, safe) in [
        ("plan.pdf", "plan.pdf"),
        ("der Plän.pdf", "der Plän.pdf"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Windows\\x.exe", "x.exe"),
        (".bashrc", "bashrc"),
        ("a\r\n\0b:c.", "abc"),
        ("..", "attachment-abababab"),
        ("", "attachment-abababab"),
        ("///", "attachment-abababab"),
    ] {
        assert_eq!(file(name).file_name(), safe, "{name:?}");
    }
}

#[test]
fn what_goes_out_comes_back() {
    let file = Attachment {
        media_type: "audio/ogg".into(),
        width: 1,
        height: 2,
        duration_ms: 3,
        waveform: vec![4, 5],
        has_preview: true,
        description: "a hum".into(),
        is_voice: true,
        ..file("hum.ogg")
    };
    assert_eq!(Attachment::from_wire(file.to_wire()), Some(file));
    assert_eq!(Attachment::from_wire(blob::Attachment::default()), None);
    let short = Blob { hash: vec![1; 31].into(), ..Blob::default() };
    assert_eq!(Attachment::of_blob(short), None);
}
