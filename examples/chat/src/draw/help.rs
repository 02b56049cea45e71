//! Keys and commands, over everything else.

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};

use super::{ACCENT, FAINT};
use crate::model::command::COMMANDS;

const KEYS: &[(&str, &str)] = &[
    ("Tab  Ctrl-N  Ctrl-P", "next and previous room; Tab completes @names and /commands"),
    ("PgUp  PgDn", "older and newer messages"),
    ("Ctrl-Home  Ctrl-End", "the first new message, the newest"),
    ("↑", "edit your last message, and the ones before it"),
    ("Ctrl-D", "delete the message being edited, else your last one"),
    ("Alt-Enter  Ctrl-J", "a new line within a message"),
    ("Alt-↑  Alt-↓", "what you wrote before"),
    ("Ctrl-W  Ctrl-U", "delete a word, a line"),
    ("Esc", "stop editing, back to the newest message"),
];

/// The lines from that one on, as far as there is room for them.
pub(super) fn draw(frame: &mut Frame<'_>, from: usize) {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let left = |text: String| Span::styled(format!(" {text:<23}"), ACCENT);
    for (keys, meaning) in KEYS {
        lines.push(Line::from(vec![left((*keys).to_owned()), Span::raw(*meaning)]));
    }
    lines.push(Line::default());
    for (name, arguments, meaning) in COMMANDS {
        let command = format!("/{name} {arguments}");
        lines.push(Line::from(vec![left(command), Span::raw(*meaning)]));
    }
    let height = lines.len() as u16 + 2;
    let hidden = usize::from(height.saturating_sub(frame.area().height));
    let from = from.min(hidden);
    let area: Rect = frame
        .area()
        .centered(Constraint::Length(88.min(frame.area().width)), Constraint::Length(height));
    let title = Line::styled(" Parlour ", Style::new().add_modifier(Modifier::BOLD));
    let more = if hidden > 0 { "↑ ↓ for more · " } else { "" };
    let legend = format!(" ◷ waits to be sent · ! failed · {more}any other key closes this ");
    let legend = Line::styled(legend, FAINT);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(FAINT)
        .title(title)
        .title_bottom(legend.right_aligned());
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines.split_off(from)).block(block), area);
}

#[cfg(test)]
#[path = "help_tests.rs"]
mod tests;
