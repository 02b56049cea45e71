//! What a script does to messages that are there.

use futures_util::FutureExt;
use parlour::Message;

use super::Script;
use crate::{link::words, model::command::Command};

impl Script {
    /// What is done to a message that is there.
    pub(super) fn change(&mut self, command: Command) -> Result<(), String> {
        let done = match command {
            Command::Edit(text) => {
                let message = self.own_last()?;
                async move { message.edit(&text).await }.boxed()
            }
            Command::Delete => {
                let message = self.own_last()?;
                async move { message.delete().await.map(|()| None) }.boxed()
            }
            Command::React(emoji) => {
                let room = self.room()?;
                let seq = self.newest().ok_or("there is no message")?;
                async move { room.react(seq, &emoji).await.map(|()| None) }.boxed()
            }
            Command::Vote(choices) => {
                let message = self.last_poll()?;
                async move { message.vote(choices).await.map(|()| None) }.boxed()
            }
            Command::ClosePoll => {
                let message = self.last_poll()?;
                async move { message.close_poll().await.map(|()| None) }.boxed()
            }
            _ => return Err("changes no message".to_owned()),
        };
        self.sending.push(done.map(|e| e.map_err(|e| words::queue_words(&e))).boxed());
        Ok(())
    }

    fn own_last(&mut self) -> Result<Message, String> {
        let me = self.client.me();
        let items = self.open.as_mut().map(|open| open.timeline.refresh()).unwrap_or_default();
        let mut messages = items.iter().rev().filter_map(parlour::Item::message);
        let own = messages.find(|message| message.sender == me && !message.is_deleted);
        own.cloned().ok_or("nothing was written here".to_owned())
    }

    fn last_poll(&mut self) -> Result<Message, String> {
        let items = self.open.as_mut().map(|open| open.timeline.refresh()).unwrap_or_default();
        let mut messages = items.iter().rev().filter_map(parlour::Item::message);
        let poll = messages.find(|message| message.poll.is_some() && message.seq().is_some());
        poll.cloned().ok_or("nothing is asked here".to_owned())
    }

    pub(super) fn newest(&mut self) -> Option<u64> {
        let items = self.open.as_mut()?.timeline.refresh();
        items.iter().rev().filter_map(parlour::Item::message).find_map(|message| message.seq())
    }
}
