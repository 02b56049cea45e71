//! No file descriptors left: connections that need one are turned away, clients go on being
//! served, and it recovers by itself.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use parlour_features::{
    http,
    server::{Options, ROOMY, Server},
    world::{group, join, say},
};

use super::block_on;
use crate::{args::Args, report::Report};

/// Descriptors left over once the server runs: a backup takes six (its lock, its commit file, a
/// database, folders on their way to the disk, and the connection that asks for it), and the
/// search writer two when it commits.
const SPARE: u32 = 10;

pub(crate) fn run(args: &Args) -> Report {
    block_on(exhaust(args.count(20, 3)))
}

async fn exhaust(rounds: u64) -> Report {
    let mut report = Report::default();
    // How many it needs is found with a server that has enough.
    let probe = Server::roomy();
    let needs = settled_files(&probe).await;
    drop(probe);
    let options = Options { files_max: Some(needs + SPARE), ..Options::config(ROOMY) };
    let mut server = Server::start(options);
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    let address = server.ready().http;
    for round in 0..rounds {
        let held = hold(address, 100);
        // Taken descriptors are counted, so this is the event that they are all gone.
        let mut most = 0;
        for _ in 0..100 {
            most = most.max(open_files(&server));
            if most >= needs + SPARE - 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        report.expect(most + 1 >= needs + SPARE, || format!("only {most} files were in use"));
        for n in 0..50 {
            let said = say(&ada, &room, &format!("{round}/{n}")).await;
            report.expect(said.is_ok(), || format!("no message without descriptors: {said:?}"));
        }
        let bob = server.door().connect(super::writers::lasting_hello(&server, "bob")).await;
        report.expect(bob.is_ok(), || "a client needs no descriptor and was refused".into());
        drop(held);
        let alive = http_comes_back(address).await;
        report.expect(alive, || "http doesn't come back".into());
        let to = server.root().join(format!("backup{round}")).display().to_string();
        let backup = server.command(&["backup", "--to", &to]);
        let said = String::from_utf8_lossy(&backup.stderr).into_owned();
        report.expect(backup.status.success(), || format!("no backup afterwards: {said}"));
        report.trials(1);
    }
    server.assert_well();
    drop(ada);
    report.expect(server.stop().success(), || "the stop was not clean".into());
    report.expect(server.run().is_ok(), || "it doesn't start again".into());
    let check = join(&server, "ada").await;
    report.expect(say(&check, &room, "after").await.is_ok(), || "the room is gone".into());
    report.figure("files_needed", needs);
    report.figure("files_max", needs + SPARE);
    report
}

/// Connections to the HTTP port that say nothing.
fn hold(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let within = Duration::from_secs(1);
    (0..count).filter_map(|_| TcpStream::connect_timeout(&address, within).ok()).collect()
}

async fn http_comes_back(address: SocketAddr) -> bool {
    for _ in 0..300 {
        let asked = tokio::task::spawn_blocking(move || http::try_get(address, "/healthz"));
        if asked.await.ok().flatten().is_some_and(|answer| answer.status == 200) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// How many it has once that no longer changes: some are opened after it is ready to serve.
async fn settled_files(server: &Server) -> u32 {
    let (mut count, mut since) = (0, 0);
    for _ in 0..600 {
        let now = open_files(server);
        since = if now == count { since + 1 } else { 0 };
        count = now;
        if since == 25 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    count
}

fn open_files(server: &Server) -> u32 {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).map_or(0, |files| files.count() as u32)
}
