//! Help on a small screen.

use ratatui::{Terminal, backend::TestBackend};

use super::*;

#[test]
fn every_line_can_be_reached_on_a_small_screen() {
    let seen = |from| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, from)).unwrap();
        terminal.backend().to_string()
    };
    assert!(seen(0).contains("next and previous room"));
    assert!(seen(0).contains("↑ ↓ for more"));
    assert!(seen(usize::MAX).contains("/quit"), "{}", seen(usize::MAX));
    for (name, ..) in COMMANDS {
        let shown = |from: usize| seen(from).contains(&format!("/{name} "));
        assert!((0..COMMANDS.len()).any(shown), "{name}");
    }
}
