//! The model on the screen. Reads the model and draws; decides nothing.

mod bottom;
mod found;
mod help;
mod rooms;
mod timeline;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
};

use crate::model::{Mode, Model};

/// Columns of the list of rooms, on a screen that is wide enough for one.
const ROOMS_COLUMNS: u16 = 24;
/// Below this width there is only the open room.
const NARROW_COLUMNS: u16 = 60;
/// Rows the input line grows to.
const INPUT_ROWS_MAX: u16 = 6;

const FAINT: Style = Style::new().fg(Color::DarkGray);
const ERROR: Style = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
const ACCENT: Style = Style::new().fg(Color::Cyan);

/// What goes where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Areas {
    rooms: Rect,
    divider: Rect,
    title: Rect,
    /// Its size is what the model has to know of the screen.
    pub(crate) timeline: Rect,
    rule: Rect,
    input: Rect,
    below: Rect,
    status: Rect,
}

/// Divides a screen of this size.
pub(crate) fn areas(screen: Rect, model: &Model) -> Areas {
    let [body, status] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(screen);
    let side = if screen.width < NARROW_COLUMNS { 0 } else { ROOMS_COLUMNS };
    let [rooms, divider, room] = Layout::horizontal([
        Constraint::Length(side),
        Constraint::Length(side.min(1)),
        Constraint::Min(0),
    ])
    .areas(body);
    let input_rows = bottom::input_rows(model, room.width).min(INPUT_ROWS_MAX);
    let [title, timeline, rule, input, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(input_rows),
        Constraint::Length(1),
    ])
    .areas(room);
    Areas { rooms, divider, title, timeline, rule, input, below, status }
}

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model) {
    let areas = areas(frame.area(), model);
    rooms::draw(frame, areas.rooms, areas.divider, model);
    timeline::title(frame, areas.title, model);
    timeline::draw(frame, areas.timeline, model);
    bottom::rule(frame, areas.rule, model);
    bottom::input(frame, areas.input, model);
    bottom::below(frame, areas.below, model);
    bottom::status(frame, areas.status, model);
    match &model.mode {
        Mode::Help { from } => help::draw(frame, *from),
        Mode::Found(lines) => found::draw(frame, model, lines),
        _ => {}
    }
}
