//! The terminal, taken over and given back: also after a panic, and when the program is told to
//! end.

use std::io::{self, Stdout, stdout};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Frame, backend::CrosstermBackend, layout::Rect};

/// The terminal while it is ours.
pub(super) struct Terminal(ratatui::Terminal<CrosstermBackend<Stdout>>);

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            hook(info);
        }));
        enable_raw_mode()?;
        // From here on it is given back however this ends.
        let taken =
            execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange);
        let terminal = taken.and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(stdout())));
        terminal.map(Terminal).inspect_err(|_| give_back())
    }

    pub(super) fn area(&self) -> io::Result<Rect> {
        self.0.size().map(|size| Rect::new(0, 0, size.width, size.height))
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Nobody is left to be told when this fails.
fn give_back() {
    let _ =
        execute!(stdout(), DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Waits until the system tells the program to end.
#[cfg(unix)]
pub(super) async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// Waits until the system tells the program to end.
#[cfg(not(unix))]
pub(super) async fn ended() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
