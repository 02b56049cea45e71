//! The chat on a terminal: keys and events in, drawings out.

mod keys;
mod names;
mod terminal;

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossterm::event::EventStream;
use futures_util::{FutureExt, StreamExt};
use parlour::Client;
use tokio::{sync::mpsc, time::MissedTickBehavior};

use crate::{
    draw,
    link::{Link, words},
    model::{Effect, Event, Model},
};
use names::Names;
use terminal::Terminal;

/// The status line counts seconds, and must not miss one.
const TICK: Duration = Duration::from_millis(500);

/// Runs until the user leaves. Names are kept in a file, for when there is no connection.
pub(crate) async fn run(client: Client, names: PathBuf) -> Result<(), String> {
    let (link, events) = Link::start(client).await.map_err(|error| words::call_words(&error))?;
    let mut screen = Screen { model: Model::default(), link, events, names: Names::read(names) };
    screen.model.people.recall(screen.names.everyone());
    let mut terminal = Terminal::open().map_err(|error| format!("no terminal: {error}"))?;
    let outcome = screen.run(&mut terminal).await;
    drop(terminal);
    screen.link.stop().await;
    outcome.map_err(|error| format!("the terminal is gone: {error}"))
}

struct Screen {
    model: Model,
    link: Link,
    events: mpsc::Receiver<Event>,
    names: Names,
}

impl Screen {
    async fn run(&mut self, terminal: &mut Terminal) -> std::io::Result<()> {
        let mut keys = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut end = std::pin::pin!(terminal::ended());
        loop {
            let effects = tokio::select! {
                biased;
                () = &mut end => return Ok(()),
                key = keys.next() => match key {
                    Some(key) => keys::key(key?).map(|key| self.model.press(key)),
                    None => return Ok(()),
                },
                event = self.events.recv() => event.map(|event| self.handle(event)),
                _ = tick.tick() => Some(self.model.handle(Event::Tick(now_ms()))),
            };
            if self.perform(effects.unwrap_or_default()) {
                return Ok(());
            }
            // What has come by now is drawn at once.
            while let Some(Some(event)) = self.events.recv().now_or_never() {
                let effects = self.handle(event);
                self.perform(effects);
            }
            let timeline = draw::areas(terminal.area()?, &self.model).timeline;
            let effects = self.model.set_view(timeline.width, timeline.height);
            self.perform(effects);
            terminal.draw(|frame| draw::draw(frame, &self.model))?;
        }
    }

    fn handle(&mut self, event: Event) -> Vec<Effect> {
        if let Event::People(people) | Event::Members { members: people, .. } = &event {
            self.names.learn(people);
        }
        self.model.handle(event)
    }

    /// Does what is to be done; `true` when that is to leave.
    fn perform(&mut self, effects: Vec<Effect>) -> bool {
        let quits = effects.contains(&Effect::Quit);
        effects.into_iter().for_each(|effect| self.link.perform(effect));
        quits
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
