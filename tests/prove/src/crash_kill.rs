//! SIGKILL under load and inside recovery: nothing acknowledged is lost or doubled, order per
//! room is kept, no batch is torn.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use parlour_adapters::Kind;

use crate::{
    args::Args,
    report::{Report, quantiles_ms},
    rng::Rng,
    store,
    truth::{Said, Truth, scrub},
};

/// Kills after which a new store is begun, so that verifying the whole of it stays quick.
const KILLS_PER_STORE: u64 = 20;

/// Kills under load, and half as many inside recovery, for each store.
pub(crate) fn run(args: &Args) -> Report {
    let kills = args.count(200, 10);
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), run_on(args, kind, kills));
    }
    report
}

fn run_on(args: &Args, kind: Kind, kills: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let (mut acked, mut inside) = (0, 0);
    let (mut reopens, mut scratch, mut truth) = (Vec::new(), None, Truth::default());
    let runtime = store::runtime();
    for kill in 0..kills {
        if kill % KILLS_PER_STORE == 0 {
            scratch = Some(tempfile::tempdir().expect("a scratch folder"));
            truth = Truth::default();
        }
        let path = scratch.as_ref().expect("made above").path().join("store");
        let said = kill_under_load(kind, &path, Duration::from_millis(20 + rng.below(280)));
        report.expect(said.failures.is_empty(), || format!("child: {:?}", said.failures));
        acked += said.acked.len();
        truth.add(&said);
        if kill % 2 == 1 {
            inside += kill_inside_recovery(kind, &path, &mut rng, &mut truth, &mut report);
        }
        let since = Instant::now();
        match store::open(&runtime, kind, store::options(&path)) {
            Ok(store) => {
                reopens.push(since.elapsed());
                runtime.block_on(truth.compare(&*store, &mut report));
            }
            Err(error) => report.violation(&format!("kill {kill}: doesn't open: {error}")),
        }
        if (kill + 1) % KILLS_PER_STORE == 0 || kill + 1 == kills {
            scrub(&store::options(&path), &mut report);
            args.progress(&format!("crash-kill {kind}: {} of {kills}, {acked} acked", kill + 1));
        }
    }
    report.trials(kills + inside);
    report.figure("kills", kills);
    report.figure("kills_inside_recovery", inside);
    report.figure("acked", acked);
    report.figure("reopen_ms", quantiles_ms(reopens));
    report
}

/// Starts the load on a store.
pub(crate) fn start(kind: Kind, path: &Path, environment: &[(&str, String)]) -> Child {
    let program = std::env::current_exe().expect("a running program has a file");
    Command::new(program)
        .arg("child-load")
        .arg(kind.name())
        .arg(path)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program that is running can be started")
}

fn kill_under_load(kind: Kind, path: &Path, after: Duration) -> Said {
    let mut child = start(kind, path, &[]);
    let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut said = Said::default();
    let mut line = String::new();
    // The time counts from when it writes.
    while !said.open && said.failures.is_empty() {
        line.clear();
        if out.read_line(&mut line).unwrap_or(0) == 0 {
            break;
        }
        said.hear(line.trim_end());
    }
    let reader = std::thread::spawn(move || Said::read(out));
    std::thread::sleep(after);
    end(&mut child);
    let rest = reader.join().expect("reading doesn't panic");
    said.acked.extend(rest.acked);
    said.failures.extend(rest.failures);
    said
}

/// Kills while the store is being opened; returns how often that hit. The store has been
/// killed under load just before, so there is something to recover.
fn kill_inside_recovery(
    kind: Kind,
    path: &Path,
    rng: &mut Rng,
    truth: &mut Truth,
    report: &mut Report,
) -> u64 {
    for _ in 0..20 {
        let mut child = start(kind, path, &[]);
        let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        let _ = out.read_line(&mut line);
        std::thread::sleep(Duration::from_micros(rng.below(6_000)));
        end(&mut child);
        let said = Said::read(out);
        report.expect(said.failures.is_empty(), || format!("child: {:?}", said.failures));
        truth.add(&said);
        if !said.open {
            return 1;
        }
    }
    report.violation("no kill hit the recovery");
    0
}

fn end(child: &mut Child) {
    // It may have ended by itself, which the caller sees from what it said.
    let _ = child.kill();
    let _ = child.wait();
}
