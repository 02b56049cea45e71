//! The client's values as the model knows them.

use parlour::{
    Delivery, Hit, Item, Message, Notice, SendError, User, UserId, protocol::generated::EventBody,
};

use super::words;
use crate::model::{
    FoundLine,
    entry::{Entry, Happening, Progress, Said, What},
    people::Person,
};

pub(crate) fn person(user: User) -> Person {
    Person { id: user.id, subject: user.subject, name: user.name }
}

pub(crate) fn entry(item: &Item) -> Entry {
    match item {
        Item::Message(message) => Entry {
            place: message.place,
            sender: message.sender,
            at_ms: message.at_ms,
            what: What::Message(said(message)),
        },
        Item::Notice(notice) => Entry {
            place: item.place(),
            sender: notice.sender,
            at_ms: notice.at_ms,
            what: What::Happened(happening(notice)),
        },
    }
}

pub(crate) fn found(hit: &Hit) -> FoundLine {
    FoundLine {
        room: hit.room.id(),
        sender: hit.message.sender,
        text: hit.message.text.clone(),
        marks: hit.highlights.clone(),
    }
}

fn said(message: &Message) -> Said {
    Said {
        text: message.text.clone(),
        files: message.attachments.clone(),
        is_edited: message.is_edited,
        is_deleted: message.is_deleted,
        mentions: message.mentions.clone(),
        mentions_everyone: message.mentions_everyone,
        reply_to: message.reply_to,
        replies: message.thread.map_or(0, |thread| thread.replies),
        poll: message.poll.clone().map(Box::new),
        reactions: message
            .reactions
            .iter()
            .map(|reaction| (reaction.emoji.clone(), reaction.users.clone()))
            .collect(),
        progress: match &message.delivery {
            Delivery::Sent => Progress::Sent,
            Delivery::Queued | Delivery::Sending => Progress::Waiting,
            Delivery::Failed(error) => Progress::Failed(failure(error)),
        },
    }
}

fn failure(error: &SendError) -> String {
    match error {
        SendError::Refused(refusal) => words::refusal_words(refusal),
        error => error.to_string(),
    }
}

fn happening(notice: &Notice) -> Happening {
    match &notice.body {
        EventBody::RoomCreated(created) => Happening::Created { name: created.name.clone() },
        EventBody::MembersAdded(added) => {
            Happening::Added(added.users.iter().filter_map(user).collect())
        }
        EventBody::MemberRemoved(removed) => {
            user(&removed.user).map_or(Happening::Unknown, Happening::Removed)
        }
        EventBody::RoomRenamed(renamed) => Happening::Renamed(renamed.name.clone()),
        EventBody::TopicChanged(changed) => Happening::Topic(changed.topic.clone()),
        EventBody::RoomArchived(archived) => Happening::Archived(archived.archived),
        EventBody::OverridesChanged(_) => Happening::Permissions,
        _ => Happening::Unknown,
    }
}

fn user(bytes: impl AsRef<[u8]>) -> Option<UserId> {
    UserId::parse(bytes.as_ref()).ok()
}
