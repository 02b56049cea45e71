//! Every kind of row that the core keeps in tables, for whoever tries all of them, as the fuzzer does. A
//! test holds the list against the source, so that none is forgotten.

use prost::Message;

macro_rules! row_kinds {
    ($(crate $(:: $module:ident)+ => $($row:ident),+;)+) => {
        /// Reads bytes as each kind of row in turn; how many took them.
        pub fn decode_each(bytes: &[u8]) -> usize {
            let mut taken = 0;
            $({
                use crate $(:: $module)+ as rows;
                $(taken += usize::from(rows::$row::decode(bytes).is_ok());)+
            })+
            taken
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($(stringify!($row)),+),+];
    };
}

row_kinds! {
    crate::accounts::rows =>
        AccountRow, LoginRow, PasskeyRow, CodeRow, SpentRow, InviteRow, UseRow, KeyRow;
    crate::blobs::rows => BlobRow, ClaimRow;
    crate::directory::rows => NodeRow, MembershipRow, DirectoryJobRow, HandOverRow;
    crate::erasing => ErasureRow;
    crate::features => CommandsRow, EmojiRow;
    crate::holds => HoldRow;
    crate::hooks => HookRow;
    crate::polls => PollRow, VoteRow;
    crate::presence => LastSeenRow;
    crate::quotas => QuotaRow;
    crate::records =>
        RoomRow, NodeRoomRow, SendRow, StampRow, LogTimeRow, UserRow, RevokedRow, OutboxRow, EffectRow;
    crate::retention => RetainedRow, RuleRow;
    crate::scheduled => ScheduledRow;
    crate::webhooks::rows => WebhookRow, StateRow, MarkRow;
}

#[cfg(test)]
#[path = "row_kinds_tests.rs"]
mod tests;
