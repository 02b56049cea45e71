//! `parlour doctor`: can a server run here? One line each: ok, warn or fail, and what to do.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::Path,
    time::{Duration, SystemTime},
};

use parlour_adapters::Kind;
use parlour_daemon::{
    Config, acme,
    admin::{self, Request},
    auth::{
        JwtVerifier,
        oidc::{self, Provider},
    },
    clock,
    config::StoreKind,
    data::DataFolder,
    keys::own_token_key,
    limits, server, traces,
};

use super::{Common, Failure, Outcome, block_on, environment, fail};

const MIB: u64 = 1024 * 1024;
/// Memory of an idle connection, rounded up.
const CONNECTION_BYTES: u64 = 64 * 1024;
/// The first of January 2026: no host's clock is right before it.
const BUILT_AFTER: Duration = Duration::from_secs(1_767_225_600);

/// What was found about one thing.
enum Finding {
    Ok(String),
    Warn(String),
    Fail(String),
}

use Finding::{Fail, Ok as Fine, Warn};

pub(super) fn run(common: &Common) -> Outcome {
    let config = match common.load() {
        Ok(config) => config,
        Err(Failure(why)) => {
            report("configuration", &Fail(why));
            return fail("1 thing is wrong");
        }
    };
    let file = common.file().map_or("none, the defaults hold".into(), |f| f.display().to_string());
    let running = block_on(admin::ask(&config.data.join("admin.sock"), &Request::Status))?.is_ok();
    let mut findings =
        vec![("configuration", Fine(file)), ("data folder", data_folder(&config.data))];
    findings.push(("disk space", disk_space(&config)));
    findings.push(("store", store(&config)));
    if running {
        findings.push(("ports", Fine("a server runs on this data folder and has them".into())));
    } else {
        findings.push(("quic port", udp_port(&config)));
        findings.push(("http port", tcp_port(&config)));
    }
    findings.push(("socket buffers", socket_buffers()));
    findings.push(("certificate", certificate(&config)));
    findings.extend(acme(&config, running)?);
    findings.push(("token keys", token_keys(&config)));
    findings.extend(providers(&config)?);
    findings.extend(bucket(&config)?.map(|finding| ("bucket", finding)));
    findings.extend(collector(&config)?);
    findings.push(("clock", clock_sanity(&config.data)));
    findings.push(("open files", open_files()));
    findings.push(("memory", memory(&config)));
    for (what, finding) in &findings {
        report(what, finding);
    }
    match findings.iter().filter(|(_, finding)| matches!(finding, Fail(_))).count() {
        0 => Ok(()),
        1 => fail("1 thing is wrong"),
        count => fail(format!("{count} things are wrong")),
    }
}

fn report(what: &str, finding: &Finding) {
    let (mark, text) = match finding {
        Fine(text) => ("ok", text),
        Warn(text) => ("warn", text),
        Fail(text) => ("fail", text),
    };
    say!("{mark:<5} {what:<15} {text}");
}

fn data_folder(path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        let parent = path.ancestors().skip(1).find(|parent| parent.exists());
        let parent = parent.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return match tempfile_in(parent) {
            Ok(()) => Fine(format!("{shown} will be made at the first start")),
            Err(error) => {
                Fail(format!("{shown} can't be made: {error}; choose another with --data"))
            }
        };
    }
    let data = match DataFolder::open(path) {
        Ok(data) => data,
        Err(error) => return Fail(format!("{error}; choose another with --data")),
    };
    if let Err(error) = tempfile_in(path) {
        return Fail(format!("{shown} can't be written: {error}; run as its owner"));
    }
    match data.is_open_to_others() {
        Ok(false) => Fine(format!("{shown} is private")),
        Ok(true) => Warn(format!("others can look into it: chmod 700 {shown}")),
        Err(error) => Fail(error.to_string()),
    }
}

/// Whether a file can be made there.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".parlour-doctor-{}", std::process::id()));
    fs::write(&path, b"")?;
    fs::remove_file(path)
}

fn disk_space(config: &Config) -> Finding {
    let there = config.data.ancestors().find(|path| path.exists());
    let there = there.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(free) = server::free_bytes(there) else {
        return Warn("free space can't be asked for here".into());
    };
    let reserve = config.store.reserve_mb * MIB;
    let text = format!("{} MiB free", free / MIB);
    if free <= reserve {
        Fail(format!("{text}, the store would be read-only below {} MiB: make room", reserve / MIB))
    } else if free < reserve + 1024 * MIB {
        Warn(format!("{text}: make room soon"))
    } else {
        Fine(text)
    }
}

fn store(config: &Config) -> Finding {
    let wanted = config.store.kind.adapter();
    if config.store.kind == StoreKind::Memory {
        return Warn("memory: everything is forgotten at the end".into());
    }
    match Kind::detect(&config.data.join("store")) {
        None => Fine(format!("{wanted}, new")),
        Some(found) if found == wanted => Fine(format!("{wanted}")),
        Some(found) => Fail(format!(
            "the folder holds a {found} store and {wanted} is configured: set store.kind, or copy it with `parlour storage copy`"
        )),
    }
}

fn udp_port(config: &Config) -> Finding {
    match server::bind_udp(config.listen) {
        Ok(socket) => match socket.local_addr() {
            Ok(address) => Fine(format!("udp {address} is free; let it through the firewall")),
            Err(error) => Fail(error.to_string()),
        },
        Err(error) => Fail(format!("udp {}: {error}; choose another with listen", config.listen)),
    }
}

fn tcp_port(config: &Config) -> Finding {
    let Some(address) = config.http.listen else { return Fine("off".into()) };
    match TcpListener::bind(address) {
        Ok(_) if config.http.tls || address.ip().is_loopback() => {
            Fine(format!("tcp {address} is free"))
        }
        Ok(_) => Warn(format!("tcp {address} is free, and without TLS: put a proxy before it")),
        Err(error) => Fail(format!("tcp {address}: {error}; choose another with http.listen")),
    }
}

fn socket_buffers() -> Finding {
    let measured = || {
        let socket = socket2::Socket::from(UdpSocket::bind("127.0.0.1:0").ok()?);
        let _ = socket.set_recv_buffer_size(limits::SOCKET_BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(limits::SOCKET_BUFFER_BYTES);
        Some(socket.recv_buffer_size().ok()?.min(socket.send_buffer_size().ok()?))
    };
    match measured() {
        Some(size) if size >= limits::SOCKET_BUFFER_BYTES / 2 => {
            Fine(format!("{} KiB", size / 1024))
        }
        Some(size) => Warn(format!(
            "{} KiB: bursts may be lost; sysctl -w net.core.rmem_max={wanted} net.core.wmem_max={wanted}",
            size / 1024,
            wanted = limits::SOCKET_BUFFER_BYTES
        )),
        None => Fail("no udp socket can be made".into()),
    }
}

/// Whether a certificate can be had from here. What only the CA can see, such as where the names lead, it
/// says itself when it is asked.
fn acme(config: &Config, running: bool) -> Outcome<Vec<(&'static str, Finding)>> {
    let Some(settings) = config.acme()? else { return Ok(vec![]) };
    let directory = &settings.directory;
    let looked = match block_on(acme::look(&settings))? {
        Ok(()) => Fine(format!("{directory} answers")),
        Err(error) => Warn(format!("{directory}: {error}; {}", error.advice())),
    };
    let mut findings = vec![("acme", looked)];
    if let Some(address) = config.tls.acme.listen.filter(|_| !running) {
        findings.push((
            "acme port",
            match TcpListener::bind(address) {
                Ok(_) => {
                    Fine(format!("tcp {address} is free; the ca comes to port 80 of each name"))
                }
                Err(error) => Fail(format!("tcp {address}: {error}; see tls.acme.listen")),
            },
        ));
    }
    Ok(findings)
}

fn certificate(config: &Config) -> Finding {
    let is_issued = |config: &Config| config.data.join("tls/acme.pem").exists();
    if !config.tls.acme.names.is_empty() && !is_issued(config) {
        return Warn("none yet: it is ordered by acme when the server runs".into());
    }
    if config.tls.certificate.is_none() && config.tls.acme.names.is_empty() {
        return Fine(format!(
            "generated, for development: clients pin a hash of {}",
            config.data.join("certificate.sha256").display()
        ));
    }
    if !config.data.exists() {
        // Looking must not make it: whoever starts the server first has to own it.
        let readable = config.tls.certificate.iter().chain(&config.tls.key).find_map(|path| {
            fs::read(path).err().map(|error| format!("{} can't be read: {error}", path.display()))
        });
        let unknown = "read; looked into once there is a data folder".to_owned();
        return readable.map_or(Fine(unknown), Fail);
    }
    let opened = DataFolder::open(&config.data)
        .map_err(|error| error.to_string())
        .and_then(|data| server::open_certificates(config, &data).map_err(|e| e.to_string()));
    let validity = match opened {
        Ok(certificates) => certificates.validity(),
        Err(why) => return Fail(why),
    };
    let now = Duration::from_millis(clock::unix_ms());
    let days = validity.not_after.saturating_sub(now).as_secs() / (24 * 3600);
    if !validity.holds(now) {
        Fail("it has ended or is not valid yet: renew it".into())
    } else if !config.tls.acme.names.is_empty() {
        Fine(format!("valid for {days} days, and renewed by acme"))
    } else if now + limits::CERTIFICATE_ENDS_SOON > validity.not_after {
        Warn(format!("it ends in {days} days: renew it, the server reads it by itself"))
    } else {
        Fine(format!("valid for {days} days"))
    }
}

fn token_keys(config: &Config) -> Finding {
    let sources = match config.key_sources() {
        Ok(sources) => sources,
        Err(error) => return Fail(error.to_string()),
    };
    if sources.is_empty() {
        let own = config.data.join("keys/token.key");
        if own.exists()
            && let Err(error) = DataFolder::open(&config.data).and_then(|data| own_token_key(&data))
        {
            return Fail(error.to_string());
        }
        return Fine("the server makes its own (HS256); `parlour token` signs with it".into());
    }
    match JwtVerifier::new(sources, config.policy()) {
        Ok(verifier) if verifier.key_count() == 0 => {
            Fail("there is none: nobody could come in".into())
        }
        Ok(verifier) => Fine(format!("{}", verifier.key_count())),
        Err(error) => Fail(error.to_string()),
    }
}

/// Whether the identity providers' keys can be read from here. They may be down: the server starts all the
/// same, and takes others' tokens.
fn providers(config: &Config) -> Outcome<Vec<(&'static str, Finding)>> {
    let providers = config.providers()?;
    let look = async |provider: &Provider| {
        let issuer = &provider.issuer;
        match oidc::look(provider).await {
            Ok(keys) => Fine(format!("{issuer}: {keys} keys")),
            Err(error) => Warn(format!(
                "{issuer}: {error}; its tokens are refused until its keys can be read"
            )),
        }
    };
    block_on(async {
        let mut findings = vec![];
        for provider in &providers {
            findings.push(("identity", look(provider).await));
        }
        findings
    })
}

/// Whether the bucket takes a file, gives it back, and lets it be removed.
fn bucket(config: &Config) -> Outcome<Option<Finding>> {
    let Some(name) = &config.blobs.s3.bucket else { return Ok(None) };
    let bucket = match server::open_bucket(config, None) {
        Ok(Some(bucket)) => bucket,
        Ok(None) => return Ok(None),
        Err(error) => return Ok(Some(Fail(error.to_string()))),
    };
    Ok(Some(match block_on(bucket.check())? {
        Ok(()) => Fine(format!("{name} can be used")),
        Err(error) => Fail(format!("{name}: {error}; until it can be used, no attachment is")),
    }))
}

/// Whether the collector of traces takes any from here. The server runs without it as well.
fn collector(config: &Config) -> Outcome<Option<(&'static str, Finding)>> {
    let Some(settings) = config.tracing()? else { return Ok(None) };
    let looked = block_on(traces::look(&settings.collector))?;
    Ok(Some(match looked {
        Ok(()) => ("traces", Fine("the collector takes them".into())),
        Err(error) => (
            "traces",
            Warn(format!("the collector: {error}; they are dropped until it takes them")),
        ),
    }))
}

fn clock_sanity(data: &Path) -> Finding {
    let now = SystemTime::now();
    if Duration::from_millis(clock::unix_ms()) < BUILT_AFTER {
        return Fail("the clock is years behind: set it, and let NTP keep it".into());
    }
    let ahead = environment::newest_change(data).and_then(|change| change.duration_since(now).ok());
    match ahead {
        Some(ahead) if ahead > Duration::from_secs(60) => Fail(format!(
            "files in the data folder are {} minutes ahead of the clock: it was set back",
            ahead.as_secs() / 60
        )),
        _ => Fine("plausible".into()),
    }
}

fn open_files() -> Finding {
    match environment::file_limit() {
        None => Warn("the limit can't be read here".into()),
        Some(u64::MAX) => Fine("unlimited".into()),
        Some(limit) if limit < 256 => Fail(format!("{limit} allowed: raise it (ulimit -n 4096)")),
        Some(limit) if limit < 1024 => Warn(format!("{limit} allowed: raise it (ulimit -n 4096)")),
        Some(limit) => Fine(format!("{limit} allowed")),
    }
}

fn memory(config: &Config) -> Finding {
    let Some(available) = environment::memory_available() else {
        return Warn("memory can't be asked for here".into());
    };
    // sled's memory may reach four times its cache.
    let needed = u64::from(config.limits.connections_max) * CONNECTION_BYTES
        + 4 * config.store.cache_mb * MIB;
    let text = format!("{} MiB available, {} MiB at full load", available / MIB, needed / MIB);
    if needed > available {
        Warn(format!("{text}: lower limits.connections_max or store.cache_mb"))
    } else {
        Fine(text)
    }
}
