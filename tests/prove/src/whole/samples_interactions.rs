//! The methods that are about commands and components.

use bytes::Bytes;
use parlour_features::world::client_ref;
use parlour_protocol::{
    generated::rpc,
    interaction::{
        Command, InvokeCommandRequest, ListCommandsRequest, RespondToRequest, SetCommandsRequest,
        UseComponentRequest,
    },
};

use super::{Sample, sample};

pub(super) fn samples(room: &Bytes) -> Vec<Sample> {
    let command = || Command {
        name: "deploy".into(),
        description: "Deploys something".into(),
        usage: "<what>".into(),
    };
    vec![
        sample::<rpc::SetCommands>(&SetCommandsRequest { commands: vec![command(), command()] }),
        sample::<rpc::ListCommands>(&ListCommandsRequest {
            room: room.clone(),
            page: Bytes::from_static(&[9; 16]),
        }),
        sample::<rpc::InvokeCommand>(&InvokeCommandRequest {
            room: room.clone(),
            client_ref: client_ref(),
            program: Bytes::from_static(&[9; 16]),
            command: "deploy".into(),
            text: "everything".into(),
            thread_root_seq: 3,
        }),
        sample::<rpc::UseComponent>(&UseComponentRequest {
            room: room.clone(),
            client_ref: client_ref(),
            target_seq: 4,
            component: "yes".into(),
            values: vec!["a".into(), "b".into()],
        }),
        sample::<rpc::RespondTo>(&RespondToRequest {
            token: Bytes::from_static(&[9; 120]),
            body: Bytes::from_static(&[10, 1, 65]),
        }),
    ]
}
