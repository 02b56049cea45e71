//! The list of rooms: unread ones bold, with their counts.

use parlour::{
    RoomSummary,
    presence::{Availability, UserPresence},
};
use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_width::UnicodeWidthStr;

use super::{ACCENT, FAINT};
use crate::{layout::shorten, model::Model};

const UNREAD: Style = Style::new().add_modifier(Modifier::BOLD);
const MENTIONED: Style =
    Style::new().fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::BOLD);

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, divider: Rect, model: &Model) {
    let bar = vec![Line::styled("│", FAINT); usize::from(divider.height)];
    frame.render_widget(Paragraph::new(bar), divider);
    let name = model.me.map_or("", |me| model.people.name(me));
    let mut lines = vec![Line::from(vec![
        Span::styled(" Parlour ", ACCENT.add_modifier(Modifier::BOLD)),
        Span::styled(shorten(name, usize::from(area.width).saturating_sub(10)), FAINT),
    ])];
    let open = model.open.as_ref().map(|open| open.id);
    let at = model.rooms.iter().position(|room| Some(room.id) == open).unwrap_or(0);
    // The open room stays in sight, whatever the length of the list.
    let shown = usize::from(area.height.saturating_sub(1));
    let skipped = (at + 1).saturating_sub(shown);
    for room in model.rooms.iter().skip(skipped).take(shown) {
        lines.push(line(room, Some(room.id) == open, area.width, model));
    }
    if model.rooms.is_empty() {
        lines.push(Line::styled(" no rooms yet", FAINT));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn line<'a>(room: &'a RoomSummary, is_open: bool, width: u16, model: &'a Model) -> Line<'a> {
    let mentions = if room.mentions > 0 { format!(" @{} ", room.mentions) } else { String::new() };
    let unread = if room.unread > 0 { format!(" {} ", many(room.unread)) } else { String::new() };
    let columns = usize::from(width).saturating_sub(3 + mentions.width() + unread.width());
    let name = shorten(model.room_name(room), columns);
    let pad = " ".repeat(columns.saturating_sub(name.width()));
    let style = if room.unread > 0 { UNREAD } else { Style::new() };
    let is_typed_in = room.typing.iter().any(|user| Some(*user) != model.me);
    let (sign, sign_style) = match () {
        () if is_typed_in => ("✎", FAINT),
        () if room.is_direct => dot(room.peer.and_then(|peer| model.people.presence(peer))),
        () => ("#", FAINT),
    };
    let line = Line::from(vec![
        Span::styled(format!(" {sign} "), sign_style),
        Span::styled(name, style),
        Span::raw(pad),
        Span::styled(unread, UNREAD.fg(Color::Cyan)),
        Span::styled(mentions, MENTIONED),
    ]);
    if is_open { line.patch_style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
}

/// Whether somebody is there.
fn dot(presence: Option<&UserPresence>) -> (&'static str, Style) {
    let plain = Style::new();
    match presence.map(|presence| presence.availability) {
        Some(Availability::Online) => ("●", plain.fg(Color::Green)),
        Some(Availability::Idle) => ("◐", plain.fg(Color::Yellow)),
        Some(Availability::DoNotDisturb) => ("⊖", plain.fg(Color::Red)),
        Some(Availability::Offline) => ("○", FAINT),
        _ => ("@", FAINT),
    }
}

fn many(count: u64) -> String {
    if count > 999 { "999+".to_owned() } else { count.to_string() }
}
