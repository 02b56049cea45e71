//! Settings: what a user wants of a room, and everywhere. Private, told to all their devices.

use bytes::Bytes;
use parlour_protocol::{
    generated::SettingsService,
    limits::{KEYWORD_BYTES_MAX, KEYWORDS_MAX, SECTION_BYTES_MAX},
    settings::{
        GetSettingsRequest, GetSettingsResponse, NotificationLevel, RoomSettings,
        RoomSettingsChanged, SetRoomSettingsRequest, SetRoomSettingsResponse, SetSettingsRequest,
        SetSettingsResponse, Settings, SettingsChanged,
    },
    wire::Error,
};
use prost::Message;

use crate::{
    draft::Draft,
    kit::{Answer, Ctx, Features, ServerKit},
    ports::store::Put,
    records::user_room,
    settings::{room_settings, settings},
    tables::Table,
};

impl SettingsService<ServerKit> for Features {
    async fn set_room_settings(
        &self,
        ctx: &mut Ctx,
        request: SetRoomSettingsRequest,
    ) -> Result<Answer<SetRoomSettingsResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let wanted = request.settings.unwrap_or_default();
        check_level("settings.level", wanted.level)?;
        if wanted.section.len() > SECTION_BYTES_MAX {
            return Err(Error::invalid("settings.section", "is over 64 bytes"));
        }
        if room_settings(ctx.store(), ctx.user(), cell.id).await? == wanted {
            return Ok(Answer::Now(SetRoomSettingsResponse {}));
        }
        let body = RoomSettingsChanged { room: cell.id.to_field(), settings: Some(wanted.clone()) };
        let mut draft = ctx.own_draft(&body).await?;
        // What every room begins with needs no row.
        let value = (wanted != RoomSettings::default()).then(|| wanted.encode_to_vec().into());
        let key = user_room(ctx.user(), cell.id);
        draft.puts.push(Put { table: Table::ROOM_SETTINGS, key, value });
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| SetRoomSettingsResponse {}))
    }

    async fn set_settings(
        &self,
        ctx: &mut Ctx,
        request: SetSettingsRequest,
    ) -> Result<Answer<SetSettingsResponse>, Error> {
        let wanted = request.settings.unwrap_or_default();
        check_level("settings.level", wanted.level)?;
        check_keywords(&wanted.keywords)?;
        if settings(ctx.store(), ctx.user()).await? == wanted {
            return Ok(Answer::Now(SetSettingsResponse {}));
        }
        let mut draft = ctx.own_draft(&SettingsChanged { settings: Some(wanted.clone()) }).await?;
        let value = (wanted != Settings::default()).then(|| wanted.encode_to_vec().into());
        let key = Bytes::copy_from_slice(ctx.user().as_bytes());
        draft.puts.push(Put { table: Table::SETTINGS, key, value });
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| SetSettingsResponse {}))
    }

    async fn get_settings(
        &self,
        ctx: &mut Ctx,
        _request: GetSettingsRequest,
    ) -> Result<Answer<GetSettingsResponse>, Error> {
        let settings = Some(settings(ctx.store(), ctx.user()).await?);
        Ok(Answer::Now(GetSettingsResponse { settings }))
    }
}

fn check_level(field: &str, level: i32) -> Result<(), Error> {
    let known = NotificationLevel::try_from(level);
    known.map(drop).map_err(|_| Error::invalid(field, "is no such level"))
}

fn check_keywords(keywords: &[String]) -> Result<(), Error> {
    if keywords.len() > KEYWORDS_MAX {
        return Err(Error::invalid("settings.keywords", "are more than 50"));
    }
    for (i, word) in keywords.iter().enumerate() {
        if word.trim().is_empty() || word.len() > KEYWORD_BYTES_MAX {
            let field = format!("settings.keywords[{i}]");
            return Err(Error::invalid(field, "isn't 1 to 64 bytes"));
        }
    }
    Ok(())
}
