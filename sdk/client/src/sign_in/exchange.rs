//! One sign-in, over a connection of its own.

use parlour_protocol::{
    frame::{self, Splitter},
    limits::{CONTROL_FRAME_BYTES_MAX, SIGN_IN_WITHIN},
    wire::{
        ClientFrame, CloseCode, Error as Refusal, ServerFrame, SignIn, SignedIn, client_frame,
        server_frame, sign_in_result,
    },
};
use prost::Message;

use crate::{
    carrier::RecvLane,
    limits::READ_BYTES_MAX,
    token::NoTokenYet,
    transport::{Address, Dialed, Dialer},
};

/// Asks, and closes the connection.
pub(super) async fn ask(
    dialer: &Dialer,
    address: Address,
    request: SignIn,
) -> Result<Result<SignedIn, Refusal>, NoTokenYet> {
    let unreachable = |_| NoTokenYet::NotNow;
    let Dialed { connection, mut send, mut recv } =
        dialer.dial(address).await.map_err(NoTokenYet::NotDialed)?;
    let frame = ClientFrame { frame: Some(client_frame::Frame::SignIn(request)) };
    send.write_chunk(frame::encode(&frame)).await.map_err(unreachable)?;
    let answer = tokio::time::timeout(SIGN_IN_WITHIN, answer(&mut recv)).await;
    connection.close(CloseCode::ClientDone as u32);
    answer.ok().flatten().ok_or(NoTokenYet::NotNow)
}

async fn answer(recv: &mut RecvLane) -> Option<Result<SignedIn, Refusal>> {
    let mut splitter = Splitter::new(CONTROL_FRAME_BYTES_MAX);
    loop {
        let chunk = recv.read_chunk(READ_BYTES_MAX).await.ok()??;
        splitter.push(&chunk);
        while let Some(frame) = splitter.next_frame().ok()? {
            let frame = ServerFrame::decode(frame).ok()?.frame;
            if let Some(server_frame::Frame::SignInResult(result)) = frame {
                return match result.result? {
                    sign_in_result::Result::SignedIn(signed_in) => Some(Ok(signed_in)),
                    sign_in_result::Result::Error(error) => Some(Err(error)),
                    // Only who asks a passkey's question gets that.
                    sign_in_result::Result::Challenge(_) => None,
                };
            }
        }
    }
}
