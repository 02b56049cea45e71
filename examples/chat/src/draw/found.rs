//! Messages that were searched for, over everything else.

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};

use super::{ACCENT, FAINT};
use crate::{
    layout::shorten,
    model::{FoundLine, Model},
};

/// Columns of the room and of whoever wrote it.
const NAME_COLUMNS: usize = 14;
/// Bytes of a text before the first mark that are shown.
const BEFORE_BYTES: usize = 24;

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, found: &[FoundLine]) {
    let screen = frame.area();
    let rows = usize::from(screen.height.saturating_sub(2));
    let lines: Vec<Line<'_>> = found.iter().take(rows).map(|one| line(model, one)).collect();
    let height = lines.len() as u16 + 2;
    let area: Rect =
        screen.centered(Constraint::Length(100.min(screen.width)), Constraint::Length(height));
    let title = Line::styled(" Found ", Style::new().add_modifier(Modifier::BOLD));
    let legend = Line::styled(" the newest first · any key closes this ", FAINT);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(FAINT)
        .title(title)
        .title_bottom(legend.right_aligned());
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn line<'a>(model: &'a Model, found: &'a FoundLine) -> Line<'a> {
    let room = model.rooms.iter().find(|room| room.id == found.room);
    let room = shorten(room.map_or("", |room| model.room_name(room)), NAME_COLUMNS);
    let sender = found.sender.map_or("", |sender| model.people.name(sender));
    let sender = shorten(sender, NAME_COLUMNS);
    let mut spans = vec![
        Span::styled(format!(" {room:<NAME_COLUMNS$} "), FAINT),
        Span::styled(format!("{sender}: "), ACCENT),
    ];
    spans.extend(text(found));
    Line::from(spans)
}

/// The text from a little before the first mark on, in one line.
fn text(found: &FoundLine) -> Vec<Span<'_>> {
    let first = found.marks.first().map_or(0, |mark| mark.start);
    let from = found.text.floor_char_boundary(first.saturating_sub(BEFORE_BYTES));
    let plain = |part: &str| part.replace(char::is_control, " ");
    let mut spans = Vec::new();
    if from > 0 {
        spans.push(Span::raw("…"));
    }
    let mut at = from;
    for mark in &found.marks {
        spans.push(Span::raw(plain(&found.text[at..mark.start])));
        let strong = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        spans.push(Span::styled(plain(&found.text[mark.clone()]), strong));
        at = mark.end;
    }
    spans.push(Span::raw(plain(&found.text[at..])));
    spans
}
