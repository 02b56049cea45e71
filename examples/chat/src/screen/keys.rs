//! The terminal's keys as the model knows them.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::model::Key;

/// What an event of the terminal means; `None` when it only asks for another drawing.
pub(super) fn key(event: Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of(key),
        Event::Paste(text) => Some(Key::Paste(text)),
        Event::FocusGained => Some(Key::Focus(true)),
        Event::FocusLost => Some(Key::Focus(false)),
        _ => None,
    }
}

fn of(key: KeyEvent) -> Option<Key> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    Some(match key.code {
        KeyCode::Enter if alt || shift => Key::NewLine,
        KeyCode::Enter => Key::Enter,
        KeyCode::Backspace if alt || control => Key::DeleteWord,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Left if alt || control => Key::WordLeft,
        KeyCode::Left => Key::Left,
        KeyCode::Right if alt || control => Key::WordRight,
        KeyCode::Right => Key::Right,
        KeyCode::Up if alt || control => Key::HistoryOlder,
        KeyCode::Up => Key::Up,
        KeyCode::Down if alt || control => Key::HistoryNewer,
        KeyCode::Down => Key::Down,
        KeyCode::End if control => Key::ToEnd,
        KeyCode::Home if control => Key::ToNew,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::BackTab => Key::PreviousRoom,
        KeyCode::Tab if shift => Key::PreviousRoom,
        KeyCode::Tab => Key::Tab,
        KeyCode::Esc => Key::Escape,
        KeyCode::Char(c) if control => return controlled(c),
        KeyCode::Char('b') if alt => Key::WordLeft,
        KeyCode::Char('f') if alt => Key::WordRight,
        KeyCode::Char(c) if !alt => Key::Char(c),
        _ => return None,
    })
}

/// As in shells, where they mean something there.
fn controlled(c: char) -> Option<Key> {
    Some(match c {
        'c' | 'q' => Key::Quit,
        'd' => Key::DeleteMessage,
        'n' => Key::NextRoom,
        'p' => Key::PreviousRoom,
        'j' => Key::NewLine,
        'a' => Key::Home,
        'e' => Key::End,
        'b' => Key::Left,
        'f' => Key::Right,
        'h' => Key::Backspace,
        'w' => Key::DeleteWord,
        'u' => Key::DeleteToLineStart,
        _ => return None,
    })
}
