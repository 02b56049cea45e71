//! Typed ids: sixteen bytes, binary on the wire, printed as a UUID (RFC 9562). Never secrets.

use std::{fmt, str::FromStr};

use bytes::Bytes;

/// Why bytes or text are not an id.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not sixteen bytes.
    Length,
    /// Not thirty-two bytes.
    HashLength,
    /// Not a hyphenated or plain hexadecimal UUID.
    Text,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdError::Length => "id is not 16 bytes",
            IdError::HashLength => "hash is not 32 bytes",
            IdError::Text => "id is not a uuid",
        })
    }
}

impl std::error::Error for IdError {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Wraps sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(bytes)
            }

            /// The sixteen bytes.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }

            /// The sixteen bytes, borrowed.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Parses a field of a message.
            pub fn parse(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map($name).map_err(|_| IdError::Length)
            }

            /// The bytes as a message field.
            pub fn to_field(self) -> Bytes {
                Bytes::copy_from_slice(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map($name)
            }
        }
    };
}

id! {
    /// An organization: UUIDv8 of a hash over the token's `org`.
    OrgId
}
id! {
    /// A user: UUIDv8 of a hash over organization and the token's `sub`.
    UserId
}
id! {
    /// A room: UUIDv7 for a group, UUIDv8 of a hash over organization and pair for a direct room.
    RoomId
}
id! {
    /// A device: sixteen random bytes the client makes once and keeps.
    DeviceId
}
id! {
    /// A resumable session: UUIDv7, made by the server.
    SessionId
}
id! {
    /// A client's own id for one send: UUIDv7, unique per room and sender.
    ClientRef
}
id! {
    /// A client's own id for one upload: sixteen bytes, unique per user.
    UploadId
}
id! {
    /// A login: where somebody is signed in with an account of the server's own. Made by the server.
    LoginId
}
id! {
    /// An invite: UUIDv7, made by the server.
    InviteId
}
id! {
    /// A key of a program's account: UUIDv7, made by the server. Not its secret.
    ApiKeyId
}
id! {
    /// An outgoing webhook: UUIDv8 of a hash over its room or account, whoever made it, and their ref.
    WebhookId
}
id! {
    /// A report of a message: UUIDv7, made by the server.
    ReportId
}
id! {
    /// The incarnation of a store: cursors from another one are worthless.
    Incarnation
}

/// The SHA-256 of a blob's bytes: its name within an organization.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash([u8; 32]);

impl BlobHash {
    /// Wraps thirty-two bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        BlobHash(bytes)
    }

    /// The thirty-two bytes, borrowed.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses a field of a message.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdError> {
        bytes.try_into().map(BlobHash).map_err(|_| IdError::HashLength)
    }

    /// The bytes as a message field.
    pub fn to_field(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

fn parse_uuid(text: &str) -> Result<[u8; 16], IdError> {
    let mut out = [0; 16];
    let mut digits = text.bytes().filter(|b| *b != b'-').map(|b| (b as char).to_digit(16));
    for byte in &mut out {
        let (high, low) = (digits.next().flatten(), digits.next().flatten());
        let (Some(high), Some(low)) = (high, low) else { return Err(IdError::Text) };
        *byte = (high << 4 | low) as u8;
    }
    if digits.next().is_some() { Err(IdError::Text) } else { Ok(out) }
}

/// Makes a UUIDv7 (RFC 9562 section 5.7) from a time in Unix milliseconds and ten random bytes.
pub fn uuid_v7(unix_ms: u64, random: [u8; 10]) -> [u8; 16] {
    let mut out = [0; 16];
    out[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
    out[6..].copy_from_slice(&random);
    out[6] = out[6] & 0x0f | 0x70;
    out[8] = out[8] & 0x3f | 0x80;
    out
}

/// The Unix milliseconds of a UUIDv7; `None` for another version.
pub fn uuid_v7_ms(bytes: &[u8; 16]) -> Option<u64> {
    (bytes[6] >> 4 == 7).then(|| {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&bytes[..6]);
        u64::from_be_bytes(ms)
    })
}

/// Makes a UUIDv8 (RFC 9562 section 5.8) from the first sixteen bytes of a hash.
pub fn uuid_v8(mut hash: [u8; 16]) -> [u8; 16] {
    hash[6] = hash[6] & 0x0f | 0x80;
    hash[8] = hash[8] & 0x3f | 0x80;
    hash
}
