//! The open room: its title and its messages.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{ACCENT, ERROR, FAINT};
use crate::{
    layout::{Layout, Role, Row, shorten},
    model::{
        Mode, Model,
        room::{Older, OpenRoom, Scroll},
    },
};

/// Colours of names that are legible on light and on dark.
const NAMES: [Color; 12] = [
    Color::Indexed(33),
    Color::Indexed(35),
    Color::Indexed(37),
    Color::Indexed(69),
    Color::Indexed(98),
    Color::Indexed(108),
    Color::Indexed(133),
    Color::Indexed(136),
    Color::Indexed(166),
    Color::Indexed(168),
    Color::Indexed(172),
    Color::Indexed(205),
];

pub(super) fn title(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let Some(open) = &model.open else { return };
    let summary = model.open_summary();
    let name = summary.map_or("…", |room| model.room_name(room));
    let name = if open.thread.is_some() { format!("{name} › thread") } else { name.to_owned() };
    let about = match summary {
        Some(_) if open.thread.is_some() => "Esc or /back leads to the room".to_owned(),
        Some(room) if room.is_direct => {
            let peer = open.members.iter().find(|person| Some(person.id) == room.peer);
            let subject = peer.map(|peer| format!("@{}", peer.subject)).unwrap_or_default();
            let presence = room.peer.and_then(|peer| model.people.presence(peer));
            match presence.and_then(|presence| presence.status.as_ref()) {
                Some(status) => {
                    let said = format!("{} {}", status.emoji, status.text);
                    format!("{subject} · {}", said.trim())
                }
                None => subject,
            }
        }
        Some(room) => {
            let names: Vec<_> = open.members.iter().map(|person| person.name.as_str()).collect();
            format!("{} members: {}", room.member_count, names.join(", "))
        }
        None => String::new(),
    };
    let columns = usize::from(area.width).saturating_sub(Span::raw(&name).width() + 4);
    let line = Line::from(vec![
        Span::styled(format!(" {name}"), Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(format!("  {}", shorten(&about, columns)), FAINT),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let Some(open) = &model.open else { return welcome(frame, area) };
    let selected = match model.mode {
        Mode::Editing { place, .. } | Mode::Deleting { place } => Some(place),
        _ => None,
    };
    let rows = Layout::of(model, open).visible(open.scroll, usize::from(area.height));
    let free = area.height.saturating_sub(rows.len() as u16);
    let is_selected = |row: &Row| Some(row.place) == selected;
    let lines = rows.iter().map(|row| line(row, is_selected(row)));
    let mut all = vec![Line::default(); usize::from(free)];
    all.extend(lines);
    if free > 0 {
        all[usize::from(free) - 1] = beginning(open);
    }
    frame.render_widget(Paragraph::new(all), area);
    let first_new = open.first_new(model.me).map(|index| open.entries[index].place);
    if rows.first().is_some_and(|row| first_new.is_some_and(|new| new < row.place)) {
        hint(frame, area, area.top(), " ↑ new messages above · Ctrl-Home ");
    }
    if open.scroll != Scroll::End {
        hint(frame, area, area.bottom().saturating_sub(1), " ↓ newer messages below · Esc ");
    }
}

/// A word on a row of the timeline, at its right.
fn hint(frame: &mut Frame<'_>, area: Rect, y: u16, text: &str) {
    let width = (Span::raw(text).width() as u16).min(area.width);
    let place = Rect { x: area.right() - width, y, width, height: 1 };
    let style = ACCENT.add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(Line::styled(text, style)), place.intersection(area));
}

/// What stands above the first message.
fn beginning(open: &OpenRoom) -> Line<'static> {
    let text = match open.older {
        Older::Loading => "reading older messages…",
        Older::Failed => "older messages can't be read now; PgUp tries again",
        Older::None if open.entries.is_empty() => "nothing has been said here yet",
        Older::None | Older::Unknown => "",
    };
    Line::styled(text, FAINT).centered()
}

fn welcome(frame: &mut Frame<'_>, area: Rect) {
    let lines = [
        "",
        "Nobody to talk to yet.",
        "",
        "/dm NAME           write to somebody alone",
        "/group NAME a b c  make a group",
        "/help              everything else",
    ];
    let lines: Vec<_> =
        lines.iter().map(|text| Line::styled(format!("   {text}"), FAINT)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(row: &Row, is_selected: bool) -> Line<'_> {
    let spans = row.pieces.iter().map(|(text, role)| Span::styled(text.as_str(), style(*role)));
    let line = Line::from(spans.collect::<Vec<_>>());
    if is_selected { line.patch_style(Style::new().bg(Color::Indexed(238))) } else { line }
}

fn style(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Text => plain,
        Role::Faint => FAINT,
        Role::Author(number) => {
            plain.fg(NAMES[usize::from(number) % NAMES.len()]).add_modifier(Modifier::BOLD)
        }
        Role::Mention => ACCENT,
        Role::MentionOfMe => plain.fg(Color::Black).bg(Color::Yellow),
        Role::Deleted | Role::Happened => FAINT.add_modifier(Modifier::ITALIC),
        Role::Day => FAINT,
        Role::New => plain.fg(Color::LightRed),
        Role::Waiting => plain.fg(Color::Yellow),
        Role::Failed => ERROR,
    }
}
