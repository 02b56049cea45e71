//! Configuration: what is wrong with it is said in a sentence, with the nearest name.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use parlour_features::server::{Options, Server};

fn complaint(config: &str) -> String {
    let mut server = Server::prepare(Options::config(config));
    server.run().expect_err("this configuration is wrong")
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    for (config, unknown, nearest) in [
        ("lisen = \"[::]:4433\"\n", "lisen", "listen"),
        ("[store]\nkindd = \"sled\"\n", "store.kindd", "store.kind"),
        ("[limit]\nconnections_max = 1\n", "limit", "limits"),
        ("[drain]\ndeadline = 3\n", "drain.deadline", "drain.deadline_s"),
    ] {
        let said = complaint(config);
        assert!(said.contains("exit status: 1"), "{said}");
        assert!(said.contains(unknown) && said.contains(nearest), "{config}: {said}");
    }
}

#[test]
fn wrong_values_are_refused_by_their_key() {
    for (config, key) in [
        ("[store]\nkind = \"mysql\"\n", "line 2: unknown variant `mysql`"),
        ("[log]\nlevel = \"loud=much\"\n", "log.level"),
        ("[[auth.keys]]\nid = \"a\"\nalgorithm = \"HS256\"\nsecret = \"c2hvcnQ=\"\n", ""),
        ("listen = \"somewhere\"\n", "line 1: invalid socket address"),
        ("this is not toml", ""),
    ] {
        let said = complaint(config);
        assert!(said.contains("exit status: 1") && said.contains(key), "{config}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_rate_that_is_none_stops_no_server() {
    let wrong = [
        ("calls_per_second_per_user", "nan"),
        ("calls_per_second_per_device", "inf"),
        ("connects_per_second_per_address", "-1.0"),
        ("failures_per_second_per_address", "0.0"),
        ("calls_burst_per_user", "0"),
    ];
    for (key, value) in wrong {
        let said = complaint(&format!("[limits]\n{key} = {value}\n"));
        assert!(said.contains("exit status: 1") && said.contains(key), "{key}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    // What a running server is told goes through the same.
    let mut server = Server::start(Options::default());
    server.write_config("[limits]\ncalls_per_second_per_user = nan\n");
    server.signal("HUP");
    server.logs("limits.calls_per_second_per_user");
    server.assert_well();
}

#[test]
fn a_level_that_is_none_is_not_taken_for_a_crate() {
    for level in ["inof", "info,debgu", ""] {
        let said = complaint(&format!("[log]\nlevel = \"{level}\"\n"));
        assert!(said.contains("log.level"), "{level}: {said}");
    }
    let server = Server::prepare(Options::config("[log]\nlevel = \"info,parlour_core=debug\"\n"));
    assert!(server.command(&["config"]).status.success());
}

#[test]
fn looking_whether_a_server_can_run_makes_nothing() {
    let mut server = Server::prepare(Options::config(
        "[tls]\ncertificate = \"nowhere.pem\"\nkey = \"nowhere.key\"\n",
    ));
    server.use_data(server.root().join("not yet"));
    let looked = server.command(&["doctor"]);
    let said = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(said.contains("nowhere.pem can't be read"), "{said}");
    assert!(!server.data().exists());
}

#[test]
fn a_short_drain_needs_no_other_key() {
    let server = Server::prepare(Options::config("[drain]\ndeadline_s = 5\n"));
    assert!(server.command(&["config"]).status.success());
}

#[test]
fn the_printed_default_is_a_configuration() {
    let server = Server::prepare(Options::default());
    let printed = server.command(&["config", "--print-default"]);
    assert!(printed.status.success());
    server.write_config(&String::from_utf8(printed.stdout).expect("text"));
    assert!(server.command(&["config"]).status.success());
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let server = Server::start(Options::default());
    let second = server.command(&["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&second.stderr).contains("panicked"));
}

#[test]
fn a_command_line_that_is_none_has_exit_code_two() {
    let server = Server::prepare(Options::default());
    for words in [&["sevre"][..], &["token"], &["serve", "--listen", "nowhere"]] {
        assert_eq!(server.command(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_token_for_the_metrics_that_cannot_be_read_is_told_at_the_start() {
    let said = complaint("[metrics]\ntoken_file = \"nowhere.txt\"\n");
    assert!(said.contains("exit status: 1") && said.contains("metrics.token_file"), "{said}");
    assert!(said.contains("nowhere.txt can't be read"), "{said}");
}

#[test]
fn whoever_stops_reading_a_command_stops_it_quietly() {
    let server = Server::prepare(Options::default());
    let mut words = server.words(&["config", "--print-default"]);
    // Nobody reads any of it: what fits into a pipe would be taken if somebody still might.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = words.stdout(writer).stderr(Stdio::piped()).output().expect("runs");
    assert_eq!(ended.status.code(), Some(141), "as if SIGPIPE had ended it");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn a_server_without_http_is_one() {
    let server = Server::prepare(Options::default());
    let mut words = server.words(&["serve", "--listen", "127.0.0.1:0", "--http", "off"]);
    let mut program = words.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut said = String::new();
    let out = program.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut said).expect("announces itself");
    program.kill().and_then(|()| program.wait()).expect("ends");
    assert!(said.contains("127.0.0.1") && !said.contains("http"), "{said}");
}
