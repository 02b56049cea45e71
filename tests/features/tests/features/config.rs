//! Configuration: what is wrong with it is said in a sentence, with the nearest name.

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
