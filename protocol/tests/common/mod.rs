//! Every message of the protocol by name, decoded and encoded again by prost. The list is by hand,
//! because prost has no registry; a golden test fails when a message is missing from it.

use parlour_protocol::{
    access, account, app, blob, compliance, directory, draft, emoji, health, hook, inbox,
    interaction, marker, message, moderation, people, pin, poll, presence, preview,
    prost::{DecodeError, Message},
    quota, reaction, receipt, reminder, room, saved, schedule, search, session, settings, sync,
    thread, typing, user, webhook, wire,
};

/// Decodes bytes as one message and encodes it again.
pub(crate) type Codec = fn(&[u8]) -> Result<Vec<u8>, DecodeError>;

fn codec<M: Message + Default>(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    M::decode(bytes).map(|message| message.encode_to_vec())
}

macro_rules! codecs {
    ($($package:ident: $($message:ident),+;)+) => {
        /// Full name and codec of every message.
        pub(crate) const CODECS: &[(&str, Codec)] = &[$($(
            (
                concat!("parlour.", stringify!($package), ".v1.", stringify!($message)),
                codec::<$package::$message>,
            ),
        )+)+];
    };
}

#[rustfmt::skip]
codecs! {
    access: PermissionOverride, GetAccessRequest, GetAccessResponse, SetOverridesRequest,
        SetOverridesResponse, OverridesChanged;
    account: BeginPasskeyRequest, BeginPasskeyResponse, AddPasskeyRequest, AddPasskeyResponse, Passkey,
        ListPasskeysRequest, ListPasskeysResponse, RemovePasskeyRequest, RemovePasskeyResponse,
        SetPasswordRequest, SetPasswordResponse, ListLoginsRequest, ListLoginsResponse, Login,
        EndLoginRequest, EndLoginResponse, CreateSignInLinkRequest, CreateSignInLinkResponse,
        SetAccountScopesRequest, SetAccountScopesResponse, ListAccountsRequest, ListAccountsResponse,
        Account, EndLoginsRequest, EndLoginsResponse, CreateInviteRequest, CreateInviteResponse,
        ListInvitesRequest, ListInvitesResponse, Invite, InviteUse, RevokeInviteRequest,
        RevokeInviteResponse, DecideKnockRequest, DecideKnockResponse, AccountsChanged,
        CreateServiceAccountRequest, CreateServiceAccountResponse, CreateKeyRequest,
        CreateKeyResponse, ApiKey, ListKeysRequest, ListKeysResponse, RevokeKeyRequest,
        RevokeKeyResponse;
    app: PublishRequest, PublishResponse, SignalRequest, SignalResponse, AppEvent, AppSignal;
    blob: Blob, Attachment, LinkAttachmentRequest, LinkAttachmentResponse, LinkUploadRequest,
        LinkUploadResponse, ClaimAttachmentRequest, ClaimAttachmentResponse, GetUploadPolicyRequest,
        GetUploadPolicyResponse;
    compliance: GetRetentionRequest, GetRetentionResponse, SetRetentionRequest, SetRetentionResponse,
        ListRetentionRequest, ListRetentionResponse, RetentionRule, RoomRetention, HoldTarget,
        SetLegalHoldRequest, SetLegalHoldResponse, ListLegalHoldsRequest, ListLegalHoldsResponse,
        LegalHold, RetentionChanged, LegalHoldChanged, EraseUserRequest, EraseUserResponse,
        ListErasuresRequest, ListErasuresResponse, Erasure, UserErased, DataExported;
    quota: Quotas, Usage, GetUsageRequest, GetUsageResponse, SetQuotasRequest, SetQuotasResponse,
        QuotasChanged;
    directory: Node, ListNodesRequest, ListNodesResponse, ChangeDirectoryRequest,
        ChangeDirectoryResponse, Change, PutNode, PutUser, PutMembership, EndMembership,
        PutOverrides, HandOver,
        ListMembershipsRequest, ListMembershipsResponse, Membership, ReadAuditRequest,
        ReadAuditResponse, AuditEntry, DirectoryChanged;
    draft: MessageDraft, SetDraftRequest, SetDraftResponse, ListDraftsRequest, ListDraftsResponse,
        DraftChanged;
    emoji: Emoji, AddEmojiRequest, AddEmojiResponse, RemoveEmojiRequest, RemoveEmojiResponse,
        ListEmojiRequest, ListEmojiResponse, EmojiChanged;
    hook: Hook, CreateHookRequest, CreateHookResponse, ListHooksRequest, ListHooksResponse,
        RevokeHookRequest, RevokeHookResponse, HookCreated, HookRevoked;
    inbox: Mention, ReadMentionsRequest, ReadMentionsItem;
    interaction: Components, ComponentRow, Component, Button, Select, SelectOption, Command,
        SetCommandsRequest, SetCommandsResponse, ListCommandsRequest, ListCommandsResponse,
        ProgramCommands, InvokeCommandRequest, InvokeCommandResponse, UseComponentRequest,
        UseComponentResponse, RespondToRequest, RespondToResponse, CommandInvoked, ComponentUsed,
        InteractionAnswered;
    marker: Marker, Unread, MarkReadRequest, MarkReadResponse, MarkUnreadRequest,
        MarkUnreadResponse, MarkerMoved;
    message: SendRequest, SendResponse, EditRequest, EditResponse, DeleteRequest, DeleteResponse,
        ReadEditsRequest, ReadEditsItem, MessagePosted, MessageEdited, MessageDeleted,
        MessagesDeleted, Mentioned, MentionWithdrawn;
    moderation: ReportMessageRequest, ReportMessageResponse, Report, ListReportsRequest,
        ListReportsResponse, DecideReportRequest, DecideReportResponse, Filter, GetFilterRequest,
        GetFilterResponse, SetFilterRequest, SetFilterResponse, ReportDecided, FilterChanged;
    people: ListPeopleRequest, ListPeopleResponse, BlockUserRequest, BlockUserResponse,
        UnblockUserRequest, UnblockUserResponse, ListBlockedRequest, ListBlockedResponse, BlockChanged;
    pin: PinRequest, PinResponse, UnpinRequest, UnpinResponse, ListPinsRequest, ListPinsItem, Pinned,
        MessagePinned, MessageUnpinned;
    poll: Poll, PollOption, PollState, GetPollsRequest, GetPollsResponse, VoteRequest, VoteResponse,
        ClosePollRequest, ClosePollResponse, ListVotersRequest, ListVotersResponse, Voter, PollVoted,
        PollClosed, PollVoteCast;
    presence: Presence, Status, PresenceSettings, SetPresenceRequest, SetPresenceResponse,
        WatchPresenceRequest, WatchPresenceResponse, SetStatusRequest, SetStatusResponse,
        PresenceUpdate, StatusChanged;
    preview: HideLinkPreviewsRequest, HideLinkPreviewsResponse, LinkPreviewsAdded, LinkPreview,
        LinkPreviewsHidden;
    reaction: ReactRequest, ReactResponse, UnreactRequest, UnreactResponse, ReactionAdded,
        ReactionWithdrawn;
    receipt: Receipt, ListReceiptsRequest, ListReceiptsResponse, ReadReceipt;
    reminder: Reminder, SetReminderRequest, SetReminderResponse, DeleteReminderRequest,
        DeleteReminderResponse, ListRemindersRequest, ListRemindersResponse, ReminderChanged;
    room: Room, UserRef, OpenDirectRequest, OpenDirectResponse, CreateGroupRequest,
        CreateGroupResponse, AddMembersRequest, AddMembersResponse, RemoveMemberRequest,
        RemoveMemberResponse, RenameRoomRequest, RenameRoomResponse, GetRoomRequest, GetRoomResponse,
        ListMembersRequest, ListMembersResponse, RoomCreated, MembersAdded, MemberRemoved, RoomRenamed,
        TopicChanged, RoomArchived, RoomGained, RoomLost, SetTopicRequest, SetTopicResponse,
        ArchiveRoomRequest, ArchiveRoomResponse, SetSlowModeRequest, SetSlowModeResponse,
        SetOpenRequest, SetOpenResponse, ListOpenRoomsRequest, ListOpenRoomsResponse, OpenRoom,
        JoinRoomRequest, JoinRoomResponse, BanRequest, BanResponse, UnbanRequest, UnbanResponse,
        ListBansRequest, ListBansResponse, SlowModeChanged, RoomOpened, MemberBanned,
        MemberUnbanned, SetMessageExpiryRequest, SetMessageExpiryResponse, MessageExpiryChanged,
        OpenPrivateRoomRequest, OpenPrivateRoomResponse, PostNoticeRequest, PostNoticeResponse,
        HandOverRoomRequest, HandOverRoomResponse, RoomHandedOver, SetRoomAvatarRequest,
        SetRoomAvatarResponse, RoomAvatarChanged;
    saved: SaveMessageRequest, SaveMessageResponse, UnsaveMessageRequest, UnsaveMessageResponse,
        ListSavedRequest, ListSavedResponse, SavedMessage, MessageSaved, MessageUnsaved;
    schedule: ScheduleSendRequest, ScheduleSendResponse, UpdateScheduledRequest,
        UpdateScheduledResponse, CancelScheduledRequest, CancelScheduledResponse,
        ListScheduledRequest, ListScheduledResponse, Scheduled, ScheduledChanged;
    search: SearchMessagesRequest, Highlight, SearchHit, SearchMessagesItem;
    health: GetHealthRequest, GetHealthResponse, ProviderHealth;
    session: ReauthRequest, ReauthResponse, RevokeRequest, RevokeResponse,
        ListSessionsRequest, ListSessionsResponse, SessionInfo, SessionsRevoked;
    settings: RoomSettings, Settings, SetRoomSettingsRequest, SetRoomSettingsResponse,
        SetSettingsRequest, SetSettingsResponse, GetSettingsRequest, GetSettingsResponse,
        RoomSettingsChanged, SettingsChanged;
    sync: SyncRequest, SyncItem, UserDelta, Digests, RoomDigest, SyncDone, ReadLogRequest,
        ReadLogItem, SeqRange, ReadTimelineRequest, ReadTimelineItem, SubscribeRequest, SubscribeResponse;
    thread: Thread, FollowedThread, FollowThreadRequest, FollowThreadResponse,
        UnfollowThreadRequest, UnfollowThreadResponse, MarkThreadReadRequest,
        MarkThreadReadResponse, MarkThreadUnreadRequest, MarkThreadUnreadResponse,
        ListThreadsRequest, ListThreadsResponse, ReadThreadRequest, ReadThreadItem, ThreadFollowed,
        ThreadUnfollowed, ThreadMarkerMoved;
    typing: Typing;
    user: GetUsersRequest, GetUsersResponse, User, Profile, SetProfileRequest,
        SetProfileResponse;
    webhook: Webhook, EventFilter, CreateWebhookRequest, CreateWebhookResponse, ListWebhooksRequest,
        ListWebhooksResponse, RevokeWebhookRequest, RevokeWebhookResponse, ResumeWebhookRequest,
        ResumeWebhookResponse, WebhookCreated, WebhookRevoked, WebhookResumed, WebhookStopped,
        WebhooksChanged;
    wire: ClientFrame, ServerFrame, Hello, Welcome, NodeRole, Limits, Call, Cancel, Reply, Ping, Pong,
        ReauthRequired, Drain, Goodbye, Error, Violation, LaneOpen, BulkCall, BulkItem, BulkEnd, BlobCall, BlobUpload, BlobDownload, BlobAnswer, BlobReady,
        BlobStored, SignIn, CodeSignIn, Newcomer, PasskeyQuestion, PasskeySignIn,
        PasskeyChallenge, PasswordSignIn, KeptLogin, SignInResult, SignedIn,
        EventFrame, RoomEvents, UserEvents, Event, EventHeader, RoomPulse, Gap, LogHeads, Ephemeral;
}
