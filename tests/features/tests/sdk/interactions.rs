//! The Rust SDK against a real server: commands, buttons, and answers that only one user sees.

use std::time::Duration;

use crate::clients::{client, eventually, pair};
use futures_util::StreamExt;
use parlour::{
    Client, Draft, Item,
    interactions::{
        Button, Command, Component, ComponentRow, Components, Interaction, Interactions, Kind,
        Responses, Wanted,
    },
    protocol::wire::ErrorReason,
};
use parlour_features::{server::Server, token, world::ORG};

fn buttons(ids: &[&str]) -> Components {
    let button = |id: &&str| {
        let button = Button { label: (*id).to_owned(), ..Button::default() };
        Component { id: (*id).to_owned(), kind: Some(Kind::Button(button)), disabled: false }
    };
    Components { rows: vec![ComponentRow { components: ids.iter().map(button).collect() }] }
}

async fn next(interactions: &mut Interactions) -> Interaction {
    let wait = tokio::time::timeout(Duration::from_secs(30), interactions.next());
    wait.await.expect("somebody wants something").expect("the client lives")
}

async fn answer(responses: &mut Responses) -> parlour::interactions::Response {
    let wait = tokio::time::timeout(Duration::from_secs(30), responses.next());
    wait.await.expect("the program answers").expect("the client lives")
}

async fn program(server: &Server) -> Client {
    let mut claims = token::claims(ORG, "deployer");
    claims.scope = Some("commands".into());
    let bot = client(server, "deployer").token(server.sign(&claims)).connect().await;
    let bot = bot.expect("the program connects");
    bot.synced().await.expect("it is in step");
    bot
}

#[tokio::test]
async fn a_command_leads_to_a_button_and_that_to_a_changed_message() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let bot = program(&server).await;
    let room = alice.create_group("Deployments", ["bob", "deployer"]).await.unwrap();
    let command = Command {
        name: "deploy".into(),
        description: "Deploys a service".into(),
        usage: "<service>".into(),
    };
    bot.set_commands([command.clone()]).await.unwrap();
    let mut interactions = bot.interactions().await.unwrap();
    let mut responses = alice.responses().await.unwrap();
    let mut others = bob.responses().await.unwrap();
    let listed = room.commands().await.unwrap();
    assert_eq!(listed[0].commands, [command]);
    let program = listed[0].program;
    let begun = alice.invoke(room.id(), program, "deploy", "web").await.unwrap();
    let wanted = next(&mut interactions).await;
    assert_eq!((wanted.room, Some(wanted.user)), (room.id(), alice.me()));
    let Wanted::Command { name, text, .. } = &wanted.what else { panic!("{wanted:?}") };
    assert_eq!((&**name, &**text), ("deploy", "web"));
    bot.respond(&wanted, "on it", None).await.unwrap();
    let response = answer(&mut responses).await;
    assert_eq!((&*response.text, response.begun), ("on it", begun));
    let theirs = bot.room(room.id());
    let asks = Draft {
        text: "Deploy web?".into(),
        components: Some(buttons(&["yes", "no"])),
        ..Draft::default()
    };
    let seq = theirs.send(asks).await.unwrap().seq;
    let mut timeline = bob.room(room.id()).timeline().await.unwrap();
    let offered = |items: &[Item]| -> Vec<String> {
        let message = items.iter().filter_map(Item::message).find(|m| m.seq() == Some(seq));
        let rows = message.map(|message| message.components.rows.clone()).unwrap_or_default();
        rows.into_iter().flat_map(|row| row.components).map(|component| component.id).collect()
    };
    eventually(|| offered(timeline.refresh()) == ["yes", "no"]).await;
    // What is pressed while the program is away is there when it is back.
    bot.disconnect().await;
    bob.use_component(room.id(), seq, "yes", []).await.unwrap();
    server.kill();
    server.run().expect("it starts again");
    let bot = self::program(&server).await;
    drop(interactions);
    bob.synced().await.unwrap();
    let mut interactions = bot.interactions().await.unwrap();
    bob.use_component(room.id(), seq, "no", []).await.unwrap();
    let wanted = next(&mut interactions).await;
    let Wanted::Component { seq: of, id, .. } = &wanted.what else { panic!("{wanted:?}") };
    assert_eq!((*of, &**id), (seq, "no"));
    bot.edit_components(room.id(), seq, "Not deployed", None).await.unwrap();
    eventually(|| offered(timeline.refresh()).is_empty()).await;
    let refused = bob.use_component(room.id(), seq, "yes", []).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::ComponentNotFound));
    let refused = alice.invoke(room.id(), program, "destroy", "").await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::CommandNotFound));
    let none = tokio::time::timeout(Duration::from_millis(200), others.next()).await;
    assert!(none.is_err(), "nobody else hears the answer: {none:?}");
}
