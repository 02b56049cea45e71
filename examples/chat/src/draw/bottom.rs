//! Everything under the timeline: the input line, who is typing or what went wrong, the status.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{ACCENT, ERROR, FAINT};
use crate::{
    layout::shorten,
    model::{Connection, Mode, Model, entry::Entry},
};

const HINTS: &str = "Tab room · PgUp history · ↑ edit · Ctrl-D delete · /help ";

fn prompt(model: &Model) -> &'static str {
    if matches!(model.mode, Mode::Editing { .. }) { " edit › " } else { " › " }
}

/// The rows the input takes at this width.
pub(super) fn input_rows(model: &Model, width: u16) -> u16 {
    if matches!(model.mode, Mode::Deleting { .. }) {
        return 1;
    }
    let (rows, _) = wrap_input(model, width);
    u16::try_from(rows.len()).unwrap_or(u16::MAX)
}

pub(super) fn rule(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let style = match model.mode {
        Mode::Editing { .. } | Mode::Deleting { .. } => Style::new().fg(Color::Yellow),
        _ => FAINT,
    };
    let line = Line::styled("─".repeat(usize::from(area.width)), style);
    frame.render_widget(Paragraph::new(line), area);
}

pub(super) fn input(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    if let Mode::Deleting { place } = model.mode {
        let entry = model.open.as_ref().and_then(|open| open.entry(place));
        let text = entry.and_then(Entry::said).map_or("", |said| &said.text);
        let text = shorten(&text.replace('\n', " "), usize::from(area.width).saturating_sub(24));
        let question = format!(" Delete “{text}”?  y / n");
        return frame.render_widget(Paragraph::new(Line::styled(question, ERROR)), area);
    }
    let (rows, (cursor_row, cursor_column)) = wrap_input(model, area.width);
    let shown = usize::from(area.height);
    let skipped = (cursor_row + 1).saturating_sub(shown);
    let indent = prompt(model).width();
    let lines = rows.iter().enumerate().skip(skipped).take(shown).map(|(at, row)| {
        let lead = if at == 0 { prompt(model).to_owned() } else { " ".repeat(indent) };
        Line::from(vec![Span::styled(lead, ACCENT), Span::raw(row.as_str())])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
    let (x, y) = ((indent + cursor_column) as u16, (cursor_row - skipped) as u16);
    frame.set_cursor_position((area.x + x.min(area.width.saturating_sub(1)), area.y + y));
}

/// The input in rows, and the cursor's row and column among them.
fn wrap_input(model: &Model, width: u16) -> (Vec<String>, (usize, usize)) {
    let columns = usize::from(width).saturating_sub(prompt(model).width() + 1).max(1);
    let (text, cursor) = (model.input.text(), model.input.cursor());
    let mut rows = vec![String::new()];
    let mut place = (0, 0);
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if used + grapheme.width() > columns && grapheme != "\n" {
            rows.push(String::new());
            used = 0;
        }
        if at == cursor {
            place = (rows.len() - 1, used);
        }
        if grapheme == "\n" {
            rows.push(String::new());
            used = 0;
        } else if let Some(row) = rows.last_mut() {
            row.push_str(grapheme);
            used += grapheme.width();
        }
    }
    if cursor == text.len() {
        place = (rows.len() - 1, used);
    }
    (rows, place)
}

/// What went wrong, else who is typing, else what was done.
pub(super) fn below(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let columns = usize::from(area.width).saturating_sub(4);
    let line = match (&model.note, typing(&model.typists())) {
        (Some(note), _) if note.is_error => {
            Line::styled(format!(" ✗ {}", shorten(&note.text, columns)), ERROR)
        }
        (_, Some(typing)) => {
            let text = format!(" ✎ {}", shorten(&typing, columns));
            Line::styled(text, FAINT.add_modifier(Modifier::ITALIC))
        }
        (Some(note), None) => Line::styled(format!(" {}", shorten(&note.text, columns)), FAINT),
        (None, None) => Line::default(),
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn typing(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some(format!("{one} is typing…")),
        [one, two] => Some(format!("{one} and {two} are typing…")),
        [one, more @ ..] => Some(format!("{one} and {} others are typing…", more.len())),
    }
}

pub(super) fn status(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let (sign, colour) = match model.connection {
        Connection::Live => ("●", Color::Green),
        Connection::Connecting => ("◌", Color::Yellow),
        Connection::Offline { .. } => ("○", Color::Yellow),
        Connection::Stopped(_) | Connection::Closed => ("○", Color::LightRed),
    };
    let text = format!(" {sign} {} ", connection(model));
    let free = usize::from(area.width).saturating_sub(text.width());
    let hints = if free > HINTS.width() { HINTS } else { "/help " };
    let pad = " ".repeat(free.saturating_sub(hints.width()));
    let bar = Style::new().bg(Color::Indexed(236));
    let line = Line::from(vec![
        Span::styled(text, bar.fg(colour).add_modifier(Modifier::BOLD)),
        Span::styled(pad, bar),
        Span::styled(hints, bar.fg(Color::Gray)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// Where the connection stands, and what that means for what was written.
fn connection(model: &Model) -> String {
    let (waiting, failed) = model.unsent();
    let what_waits = match waiting {
        0 => "messages wait".to_owned(),
        1 => "1 message waits".to_owned(),
        many => format!("{many} messages wait"),
    };
    let text = match &model.connection {
        Connection::Live if waiting > 0 => format!("connected – {what_waits}"),
        Connection::Live => "connected".to_owned(),
        Connection::Connecting => format!("connecting – {what_waits}"),
        Connection::Offline { retry_at_ms, why } => {
            let seconds = retry_at_ms.saturating_sub(model.now_ms).div_ceil(1000);
            let why = why.as_ref().map(|why| format!("{why} – ")).unwrap_or_default();
            format!("{why}reconnecting in {seconds} s – {what_waits}")
        }
        Connection::Stopped(why) => format!("offline: {why} – {what_waits}"),
        Connection::Closed => "disconnected".to_owned(),
    };
    match failed {
        0 => text,
        failed => format!("{text}, {failed} failed"),
    }
}
