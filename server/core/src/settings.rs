//! What users want, as it lies in the store.

use parlour_protocol::{
    ids::{RoomId, UserId},
    settings::{RoomSettings, Settings},
    wire::Error,
};
use prost::Message;

use crate::{
    draft::store_error,
    ports::store::{Store, StoreError},
    records::user_room,
    tables::Table,
};

/// What the user wants of a room; what every room begins with where they never said.
pub async fn room_settings(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
) -> Result<RoomSettings, Error> {
    row(store, Table::ROOM_SETTINGS, &user_room(user, room)).await
}

/// What the user wants everywhere.
pub async fn settings(store: &dyn Store, user: UserId) -> Result<Settings, Error> {
    row(store, Table::SETTINGS, user.as_bytes()).await
}

async fn row<M: Message + Default>(
    store: &dyn Store,
    table: Table,
    key: &[u8],
) -> Result<M, Error> {
    let row = store.get(table, key).await.map_err(store_error)?;
    let row = row.map(M::decode).transpose().map_err(|_| store_error(StoreError::Damaged))?;
    Ok(row.unwrap_or_default())
}
