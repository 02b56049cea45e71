//! Draining on SIGTERM: everybody is told, served until the end, and the exit code is 0.

use std::time::{Duration, Instant};

use parlour_features::{
    raw::{Client, PATIENCE},
    server::{Options, Server},
    world::{group, hello_of, join, say},
};
use parlour_protocol::wire::{CloseCode, server_frame::Frame};

fn draining_for(seconds: u32) -> Options {
    Options::config(format!("[drain]\ndeadline_s = {seconds}\njitter_s = 1\n"))
}

async fn hears_drain(client: &Client) {
    let notice = client.notice(PATIENCE).await;
    let Some(Frame::Drain(drain)) = notice else { panic!("{notice:?}") };
    assert_eq!(drain.jitter_ms, 1_000);
    assert!(drain.deadline_ms > client.welcome().server_time_ms);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_told_served_until_the_deadline_and_closed() {
    let mut server = Server::start(draining_for(2));
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "kitchen", &["bob"]).await;
    server.signal("TERM");
    hears_drain(&ada).await;
    hears_drain(&bob).await;
    say(&ada, &room, "last words").await.expect("a draining server answers");
    let late = server.door().connect(hello_of(&server, "eve")).await;
    assert!(late.is_err(), "a draining server takes nobody new");
    for client in [&ada, &bob] {
        assert!(client.closed().await.is(CloseCode::Draining));
        let notice = client.notice(PATIENCE).await;
        let Some(Frame::Goodbye(goodbye)) = notice else { panic!("{notice:?}") };
        assert_eq!(goodbye.code, CloseCode::Draining as i32);
    }
    assert_eq!(server.wait().code(), Some(0));
    server.run().expect("it starts again");
    let ada = join(&server, "ada").await;
    say(&ada, &room, "here again").await.expect("the room is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clients_have_left_does_not_wait_for_the_deadline() {
    let mut server = Server::start(draining_for(30));
    let ada = join(&server, "ada").await;
    let began = Instant::now();
    server.signal("TERM");
    hears_drain(&ada).await;
    ada.connection().close(CloseCode::ClientMoved as u32, "");
    assert_eq!(server.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_twice_it_ends_at_once() {
    let mut server = Server::start(draining_for(30));
    let ada = join(&server, "ada").await;
    let began = Instant::now();
    server.signal("TERM");
    hears_drain(&ada).await;
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
}
