//! Defaults, unknown keys, overrides, and the reference against the table.

use std::{env, fs, path::Path};

use super::*;
use crate::auth::oidc::Organization;

fn error(text: &str) -> String {
    Config::parse(text).expect_err("refused").to_string()
}

/// The default file with every setting switched on.
fn switched_on(with_examples: bool) -> String {
    let lines = default_file();
    let lines = lines.lines().filter(|line| with_examples || !line.ends_with("# example"));
    let on = lines.map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with("[[") && !with_examples => String::new(),
        Some(rest) if !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    });
    on.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_default_file_says_what_the_defaults_are() {
    assert_eq!(Config::parse("").expect("empty"), Config::default());
    assert_eq!(Config::parse(&default_file()).expect("default file"), Config::default());
    assert_eq!(Config::parse(&switched_on(false)).expect("switched on"), Config::default());
}

#[test]
fn every_example_is_a_key_that_is_read() {
    // All at once contradicts itself (three sources for one key), so one by one.
    let is_list = |section| matches!(section, "auth.keys" | "auth.oidc");
    for key in KEYS.iter().filter(|key| key.example && !is_list(key.section())) {
        let other = match key.name() {
            "certificate" => "key = \"k.pem\"\n",
            "key" => "certificate = \"c.pem\"\n",
            "eab_key_id" => "eab_key_file = \"k.txt\"\n",
            "eab_key_file" => "eab_key_id = \"k\"\n",
            "bucket" => "access_key_id = \"AK\"\nsecret_access_key_file = \"s.txt\"\n",
            _ => "",
        };
        let text = format!("[{}]\n{}{} = {}\n", key.section(), other, key.name(), key.value);
        let config = Config::parse(&text).expect(key.path);
        assert_ne!(config, Config::default(), "{} is documented but not read", key.path);
    }
    assert!(toml::from_str::<toml::Table>(&switched_on(true)).is_ok());
}

#[test]
fn the_example_of_an_identity_provider_is_read() {
    let of_oidc =
        |key: &&KeyDoc| key.section() == "auth.oidc" && key.name() != "organization_claim";
    let lines: Vec<String> =
        KEYS.iter().filter(of_oidc).map(|key| format!("{} = {}", key.name(), key.value)).collect();
    let config = Config::parse(&format!("[[auth.oidc]]\n{}", lines.join("\n"))).expect("read");
    let oidc = &config.auth.oidc[0];
    assert_eq!((&*oidc.audiences[0], oidc.organization.as_deref()), ("parlour", Some("acme")));
    assert!(oidc.jwks_url.is_some() && oidc.ca_file.is_some());
    assert_eq!(oidc.scopes, ["admin:sessions"]);
    assert!(!config.has_accounts(), "people come from the provider");
    // What is said to be so unless set is so.
    let least = "[[auth.oidc]]\nissuer = \"https://id.example.org\"\naudiences = [\"a\"]\n\
                 organization = \"acme\"\n";
    let least = Config::parse(least).expect("read").auth.oidc.remove(0);
    let same = (&oidc.subject_claim, &oidc.name_claims, oidc.allow_http, oidc.look_gap_s);
    assert_eq!(
        (&least.subject_claim, &least.name_claims, least.allow_http, least.look_gap_s),
        same
    );
    assert!(least.scopes.is_empty());
}

#[test]
fn a_provider_that_names_organizations_does_not_name_another_ones() {
    let oidc = |host: &str, org: &str| {
        format!("[[auth.oidc]]\nissuer = \"https://{host}\"\naudiences = [\"a\"]\n{org}\n")
    };
    let text = oidc("a.example", "organization = \"acme\"")
        + &oidc("b.example", "organization_claim = \"tenant\"")
        + &oidc("c.example", "organization = \"globex\"");
    let providers = Config::parse(&text).expect("read").providers().expect("providers");
    let except = vec!["acme".to_owned(), "globex".to_owned()];
    assert_eq!(providers[1].organization, Organization::Claim { name: "tenant".into(), except });
    assert_eq!(providers[0].organization, Organization::Fixed("acme".into()));
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if env::var_os("PARLOUR_BLESS").is_some() {
        fs::write(&path, reference()).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == reference(), "docs/configuration.md: run this test with PARLOUR_BLESS=1");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let wrong = [
        ("lissten = \"[::]:1\"", "configuration has no key lissten; did you mean listen?"),
        ("[tsl]\nkey = \"a\"", "configuration has no key tsl; did you mean tls?"),
        (
            "[store]\nkidn = \"redb\"",
            "configuration has no key store.kidn; did you mean store.kind?",
        ),
        (
            "[http]\nbananas = 1",
            "configuration has no key http.bananas; `parlour config --print-default` shows them all",
        ),
        (
            "[[auth.keys]]\nid=\"a\"\nalgorithm=\"HS256\"\nsecrets=\"b\"",
            "configuration has no key auth.keys.secrets; did you mean auth.keys.secret?",
        ),
        ("key_sets = []", "configuration has no key key_sets; did you mean auth.key_sets?"),
    ];
    for (text, wanted) in wrong {
        assert_eq!(error(text), wanted);
    }
}

#[test]
fn wrong_values_name_their_line() {
    assert!(error("\n\nlisten = 5").starts_with("configuration, line 3: "));
    assert!(error("listen = \"nowhere\"").starts_with("configuration, line 1: "));
    assert!(error("[store]\nkind = \"mysql\"").contains("line 2"));
    assert!(error("a = [").starts_with("configuration, line 1: "));
    assert!(!error("listen = \"nowhere\"").contains('\n'));
}

#[test]
fn contradictions_are_refused() {
    assert!(error("[tls]\ncertificate = \"a.pem\"").contains("tls.key"));
    assert!(error("[drain]\njitter_s = 99").contains("drain.jitter_s"));
    assert!(error("[log]\nlevel = \"a=b=c\"").contains("log.level"));
    let key = |rest: &str| error(&format!("[[auth.keys]]\nid = \"k\"\n{rest}"));
    assert!(key("algorithm = \"none\"").contains("token key k: key algorithm must be"));
    assert!(key("algorithm = \"HS256\"").contains("needs either"));
    assert!(key("algorithm = \"EdDSA\"\nsecret = \"x\"").contains("public_key_file"));
}

#[test]
fn relative_paths_count_from_the_file() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("parlour.toml");
    let text =
        "data = \"d\"\n[auth]\nkey_sets = [\"a.json\", \"/b.json\"]\n[http]\nlisten = \"off\"";
    fs::write(&path, text).expect("file");
    let mut config = Config::load(&path).expect("config");
    assert_eq!(config.data, dir.path().join("d"));
    assert_eq!(config.auth.key_sets, [dir.path().join("a.json"), "/b.json".into()]);
    assert_eq!(config.http.listen, None);
    config.apply(Overrides { data: Some("elsewhere".into()), ..Overrides::default() });
    assert_eq!(config.data, Path::new("elsewhere"));
}

#[test]
fn debug_output_holds_no_secret() {
    let text = "[[auth.keys]]\nid = \"k\"\nalgorithm = \"HS256\"\nsecret = \"CANARY\"";
    let config = Config::parse(text).expect("config");
    assert!(!format!("{config:?} {:?}", config.key_sources()).contains("CANARY"));
}

#[test]
fn a_collectors_address_is_one_and_its_headers_are_never_shown() {
    let traces = |rest: &str| error(&format!("[traces]\n{rest}"));
    for endpoint in ["collector:4318", "udp://127.0.0.1:4318", "http://", "http://10.0.0.1:4318"] {
        let said = traces(&format!("endpoint = \"{endpoint}\""));
        assert!(said.starts_with("configuration key traces.endpoint "), "{endpoint}: {said}");
    }
    let twice = traces("endpoint = \"http://127.0.0.1:4318/v1/traces/\"");
    assert!(twice.contains("is added to it anyway"), "{twice}");
    for ratio in ["-0.1", "1.5", "nan"] {
        let said = traces(&format!("sample_ratio = {ratio}"));
        assert!(said.contains("traces.sample_ratio is not 0 to 1"), "{said}");
    }
    assert!(traces("service_name = \"\"").contains("traces.service_name"));
    for headers in [
        "\"CANARY\"",
        "{ Authorization = 5, Other = \"CANARY\" }",
        "{ Authorization = \"CAN\\nARY CANARY\" }",
        "{ \"CANARY canary\" = \"x\" }",
        "{ Host = \"CANARY\" }",
    ] {
        let said = traces(&format!("headers = {headers}"));
        assert!(said.contains("headers") && !said.contains("CANARY"), "{headers}: {said}");
    }
    let good = "[traces]\nendpoint = \"https://collector.example.org\"\n\
                headers = { Authorization = \"Bearer CANARY\" }";
    let config = Config::parse(good).expect("config");
    assert!(!format!("{config:?} {:?}", config.tracing()).contains("CANARY"));
    assert!(Config::default().tracing().expect("off").is_none());
}
