//! `cargo xtask test`: the whole suite in named steps, with a summary that says what failed, what
//! was skipped and why, and how long each step took. A failed step doesn't hide the ones after it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::args::{Args, nearest};
use crate::{Outcome, demo, fuzz, kotlin, prove, python, second, shell, supply, swift, tools, web};

pub(crate) const HELP: &str = "\
usage: cargo xtask test [PART]

Without a part, the whole suite: formatting, clippy, tidy, every test, those of the features over
each carrier, the TypeScript client and the web client in Node and in browsers, the conformance kit,
golden vectors in a second language, the Python, the Kotlin and the Swift client, the calls over HTTP against their description,
each reliability test at a short count, fuzzing for 10 seconds a target, dependencies' licences and
sources, and the demo unattended. Installs what it needs and says so.
  quick     formatting, clippy, tidy and every test
  deps      dependencies' licences, sources and known holes
  python    the golden vectors decoded by Python's protobuf, and the Python client
  conformance   the scripts of the conformance kit: the server over all carriers, and both clients
  openapi   the calls over HTTP held against their description by schemathesis
  web       the TypeScript client and the web client, in Node and in Chromium
  kotlin    the Kotlin client
  swift     the Swift client
  beside    what the whole suite runs in a second process while browsers are tested: the features over
            each carrier, the conformance kit, Python, Kotlin, Swift, the calls over HTTP, fuzzing";

const FUZZ_SECONDS: u64 = 10;
const SCHEMATHESIS_SECONDS: &str = "60";
const PARTS: &[&str] =
    &["quick", "deps", "python", "conformance", "openapi", "web", "kotlin", "swift", BESIDE];
/// The part that is run beside the browsers' tests.
const BESIDE: &str = "beside";

/// How a step that didn't fail ended.
enum Done {
    Passed,
    /// Not done, and why: said loudly, since a skipped step proves nothing.
    Skipped(String),
}

pub(crate) fn run(mut args: Args) -> Outcome {
    let part = args.word();
    args.finish()?;
    match part.as_deref() {
        None => whole(),
        Some("quick") => played(Suite::basics),
        Some("deps") => played(Suite::dependencies),
        Some("python") => built(|suite| {
            suite.step("golden vectors in Python", golden_in_python);
            suite.step("Python client", || passed(python::tests()));
        }),
        Some("conformance") => built(Suite::conformance),
        Some("openapi") => built(|suite| suite.step("calls over HTTP", calls_as_described)),
        Some("web") => played(|suite| {
            suite.page();
            suite.build();
            suite.web();
        }),
        Some(BESIDE) => built(Suite::beside),
        Some("kotlin") => built(|suite| suite.step("Kotlin client", || passed(kotlin::tests()))),
        Some("swift") => built(|suite| suite.step("Swift client", swift_client)),
        Some(other) => {
            let near = nearest(other, PARTS.iter().copied());
            let hint = near.map_or_else(
                || format!("the parts are {}", PARTS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            Err(format!("no part `{other}`; {hint}"))
        }
    }
}

/// These steps, and how they went.
fn played(steps: impl FnOnce(&mut Suite)) -> Outcome {
    let mut suite = Suite::default();
    steps(&mut suite);
    suite.close()
}

/// The same where everything has to be built first.
fn built(steps: impl FnOnce(&mut Suite)) -> Outcome {
    played(|suite| {
        suite.build();
        steps(suite);
    })
}

fn whole() -> Outcome {
    let mut suite = Suite::default();
    suite.page();
    suite.basics();
    // Browsers wait much: the other core has time for all that has nothing to do with them.
    let second = second::Process::start(&["test", BESIDE]);
    suite.web();
    suite.join(second);
    suite.step("conformance of the TypeScript client", typescript_client_conforms);
    let bins = shell::target_dir().join("debug");
    // Without a list there is nothing to run, and that is a failure of its own.
    let mut proofs = Vec::new();
    suite.step("list of proofs", || {
        proofs = prove::names(&bins)?;
        Ok(Done::Passed)
    });
    for name in &proofs {
        suite.step(&format!("prove {name}"), || passed(prove::short(name, &bins)));
    }
    suite.dependencies();
    suite.step("demo", || passed(demo::check(&bins)));
    suite.close()
}

/// The golden test leaves the contract's descriptors where cargo keeps what tests write.
fn golden_in_python() -> Outcome<Done> {
    let python = tools::python()?;
    // Of the workspace: one package by itself has other features, and all would be built anew.
    let words = ["test", "--quiet", "--workspace", "--test", "golden"];
    shell::run(&mut shell::cargo(&words))?;
    let script = shell::root().join("protocol/tests/golden/check.py");
    let descriptors = shell::target_dir().join("tmp/parlour.binpb");
    passed(shell::run(shell::program(python, &[]).arg(script).arg(descriptors)))
}

/// A server that was built already answers what its own description makes schemathesis ask.
fn calls_as_described() -> Outcome<Done> {
    let python = match tools::schemathesis() {
        Ok(python) => python,
        Err(why) => return Ok(Done::Skipped(why)),
    };
    let script = shell::root().join("tests/features/openapi/check.py");
    let program = shell::target_dir().join("debug/parlour");
    passed(shell::run(
        shell::program(python, &[]).arg(script).arg(program).arg(SCHEMATHESIS_SECONDS),
    ))
}

/// The Rust client against the kit's mock server, by the driver that was built already.
fn rust_client_conforms() -> Outcome<Done> {
    let driver = shell::target_dir().join("debug/parlour-conformance-driver");
    client_conforms(&format!("'{}'", driver.display()), "all")
}

fn python_client_conforms() -> Outcome<Done> {
    client_conforms(&python::driver()?, "quic")
}

fn kotlin_client_conforms() -> Outcome<Done> {
    client_conforms(&kotlin::driver()?, "quic")
}

fn swift_client_conforms() -> Outcome<Done> {
    match swift::driver()? {
        Some(driver) => client_conforms(&driver, "quic"),
        None => Ok(Done::Skipped(swift::MISSING.to_owned())),
    }
}

/// The kit's scripts for clients, against a client by the command of its driver, over that carrier; what it passes
/// goes into the table. Carriers are the Rust client's, whatever the language.
fn client_conforms(driver: &str, carrier: &str) -> Outcome<Done> {
    let script = shell::root().join("tests/conformance/run.py");
    let mut run = shell::program(tools::conformance()?, &[]);
    run.arg(script).args(["--client", driver, "--carrier", carrier]);
    for table in clients_tables() {
        run.arg("--table").arg(table);
    }
    passed(shell::run(&mut run))
}

fn typescript_client_conforms() -> Outcome<Done> {
    passed(web::conforms(&tools::conformance()?, &clients_tables()))
}

/// Where it stands what the clients pass: written by those who play the scripts.
fn clients_tables() -> [PathBuf; 2] {
    ["tests/conformance/clients.md", "README.md"].map(|file| shell::root().join(file))
}

/// Every script over all three carriers, by an implementation of another make.
fn conforms() -> Outcome<Done> {
    let python = tools::conformance()?;
    let script = shell::root().join("tests/conformance/run.py");
    let program = shell::target_dir().join("debug/parlour");
    passed(shell::run(shell::program(python, &[]).arg(script).arg(program)))
}

fn swift_client() -> Outcome<Done> {
    Ok(if swift::tests()? { Done::Passed } else { Done::Skipped(swift::MISSING.to_owned()) })
}

fn fuzz_briefly() -> Outcome<Done> {
    if !tools::has_nightly() {
        return Ok(Done::Skipped("no nightly toolchain, and rustup brought none".into()));
    }
    passed(fuzz::each(&fuzz::targets()?, FUZZ_SECONDS))
}

/// cargo-deny takes longer to compile than the rest of the suite to run, and its advisories come
/// over a network a test machine may not have: it is run where somebody installed it.
fn deny() -> Outcome<Done> {
    if !tools::on_path("cargo-deny") {
        return Ok(Done::Skipped("not installed; `cargo install cargo-deny --locked`".into()));
    }
    passed(shell::run(&mut shell::cargo(&["deny", "check", "bans", "licenses", "sources"])))
}

fn passed(outcome: Outcome) -> Outcome<Done> {
    outcome.map(|()| Done::Passed)
}

/// A step as a line from one process to the other: its name, its milliseconds, how it ended, and why.
struct Told;

impl Told {
    fn write((name, time, outcome): &(String, Duration, Outcome<Done>)) -> String {
        let (word, why) = match outcome {
            Ok(Done::Passed) => ("passed", ""),
            Ok(Done::Skipped(why)) => ("skipped", &**why),
            Err(why) => ("failed", &**why),
        };
        format!("{name}\t{}\t{word}\t{}", time.as_millis(), why.replace(['\n', '\t'], " "))
    }

    fn read(line: &str) -> Outcome<(String, Duration, Outcome<Done>)> {
        let mut parts = line.split('\t');
        let mut next = || parts.next().ok_or_else(|| format!("no step: {line}"));
        let (name, millis, word, why) = (next()?, next()?, next()?, next()?.to_owned());
        let time = Duration::from_millis(millis.parse().map_err(|_| format!("no step: {line}"))?);
        let outcome = match word {
            "passed" => Ok(Done::Passed),
            "skipped" => Ok(Done::Skipped(why)),
            _ => Err(why),
        };
        Ok((name.to_owned(), time, outcome))
    }
}

/// The steps so far.
#[derive(Default)]
struct Suite {
    steps: Vec<(String, Duration, Outcome<Done>)>,
}

impl Suite {
    fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome<Done>) {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = run();
        match &outcome {
            Ok(Done::Passed) => {}
            Ok(Done::Skipped(why)) => println!("SKIPPED {name}: {why}"),
            Err(message) => println!("FAILED {name}: {message}"),
        }
        self.steps.push((name.to_owned(), start.elapsed(), outcome));
    }

    fn cargo(&mut self, name: &str, words: &[&str]) {
        self.step(name, || passed(shell::run(&mut shell::cargo(words))));
    }

    /// What `quick` is. Everything is built with the tests, so that later steps find the programs.
    fn basics(&mut self) {
        self.cargo("format", &["fmt", "--all", "--check"]);
        self.cargo("format of fuzz", &["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]);
        let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        self.cargo("clippy", &clippy);
        self.step("tidy", || passed(crate::tidy::run(Args::new(Vec::new()))));
        self.build();
        self.step("programs for attachments", || match tools::attachments() {
            Ok(()) => Ok(Done::Passed),
            // Their tests say themselves what they lack.
            Err(why) => Ok(Done::Skipped(why)),
        });
        self.step("S3 server", || match tools::s3() {
            Ok(()) => Ok(Done::Passed),
            Err(why) => Ok(Done::Skipped(why)),
        });
        self.step("ACME server", || match tools::acme() {
            Ok(()) => Ok(Done::Passed),
            Err(why) => Ok(Done::Skipped(why)),
        });
        self.step("tests", || {
            let mut tests = shell::cargo(&["test", "--quiet", "--workspace", "--no-fail-fast"]);
            // Built just now; a test that builds it by itself would build it with fewer features.
            tests.env("PARLOUR_BIN", shell::target_dir().join("debug/parlour"));
            passed(shell::run(&mut tests))
        });
    }

    fn build(&mut self) {
        self.cargo("build", &["build", "--quiet", "--workspace", "--all-targets"]);
    }

    /// The kit against the server and against every client.
    fn conformance(&mut self) {
        self.step("conformance", conforms);
        self.step("conformance of the Rust client", rust_client_conforms);
        self.step("conformance of the Python client", python_client_conforms);
        self.step("Kotlin client", || passed(kotlin::tests()));
        self.step("conformance of the Kotlin client", kotlin_client_conforms);
        self.step("Swift client", swift_client);
        self.step("conformance of the Swift client", swift_client_conforms);
        self.step("conformance of the TypeScript client", typescript_client_conforms);
    }

    /// The features' tests once more over what browsers have: the same clients, the same promises.
    fn carriers(&mut self) {
        for carrier in ["webtransport", "websocket"] {
            self.step(&format!("tests over {carrier}"), || {
                let mut tests =
                    shell::cargo(&["test", "--quiet", "--workspace", "--test", "features"]);
                tests.env("PARLOUR_BIN", shell::target_dir().join("debug/parlour"));
                passed(shell::run(tests.env("PARLOUR_CARRIER", carrier)))
            });
        }
    }

    /// What needs no browser, and nothing that is made for one.
    fn beside(&mut self) {
        self.carriers();
        self.step("conformance", conforms);
        self.step("conformance of the Rust client", rust_client_conforms);
        self.step("golden vectors in Python", golden_in_python);
        self.step("Python client", || passed(python::tests()));
        self.step("conformance of the Python client", python_client_conforms);
        self.step("Kotlin client", || passed(kotlin::tests()));
        self.step("conformance of the Kotlin client", kotlin_client_conforms);
        self.step("Swift client", swift_client);
        self.step("conformance of the Swift client", swift_client_conforms);
        self.step("calls over HTTP", calls_as_described);
        self.step("fuzz", fuzz_briefly);
    }

    /// The page that the server's build takes into the program.
    fn page(&mut self) {
        self.step("web client for the server", || passed(web::build()));
    }

    /// The TypeScript client and the web client, in Node and in a browser.
    fn web(&mut self) {
        for (name, run) in web::STEPS {
            self.step(name, || passed(run()));
        }
    }

    fn dependencies(&mut self) {
        self.step("dependencies", || passed(supply::check()));
        self.step("cargo-deny", deny);
    }

    /// Waits for the second process, whose steps are steps of this one's.
    fn join(&mut self, second: Outcome<second::Process>) {
        println!("\n=== beside the browsers");
        let lines = second.and_then(second::Process::join);
        let steps = lines.and_then(|lines| lines.iter().map(|line| Told::read(line)).collect());
        match steps {
            Ok(steps) => self.steps.extend::<Vec<_>>(steps),
            Err(why) => {
                println!("FAILED beside the browsers: {why}");
                self.steps.push(("beside the browsers".into(), Duration::ZERO, Err(why)));
            }
        }
    }

    fn close(self) -> Outcome {
        second::tell(self.steps.iter().map(Told::write))?;
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        println!("\n=== summary");
        for (name, time, outcome) in &self.steps {
            let (count, word) = match outcome {
                Ok(Done::Passed) => (&mut passed, "passed".to_owned()),
                Ok(Done::Skipped(why)) => (&mut skipped, format!("SKIPPED: {why}")),
                Err(_) => (&mut failed, "FAILED".to_owned()),
            };
            *count += 1;
            println!("{:>7.1} s  {name}: {word}", time.as_secs_f64());
        }
        let total: Duration = self.steps.iter().map(|(_, time, _)| *time).sum();
        println!("{:>7.1} s  in all\n", total.as_secs_f64());
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 { Ok(()) } else { Err(format!("{failed} steps failed")) }
    }
}
