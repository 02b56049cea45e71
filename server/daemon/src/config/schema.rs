//! Every key with its default and its description: the default file, the reference and the
//! refusal of unknown keys all come from this table.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct KeyDoc {
    /// The whole path, such as `http.listen`.
    pub path: &'static str,
    /// The default in TOML, or an example where there is none.
    pub value: &'static str,
    /// Whether `value` is only an example.
    pub example: bool,
    /// What it does.
    pub doc: &'static str,
}

impl KeyDoc {
    /// The section, empty at the top.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The last name.
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

const fn key(path: &'static str, value: &'static str, doc: &'static str) -> KeyDoc {
    KeyDoc { path, value, example: false, doc }
}

const fn example(path: &'static str, value: &'static str, doc: &'static str) -> KeyDoc {
    KeyDoc { path, value, example: true, doc }
}

/// All keys, in the order of the default file.
pub const KEYS: &[KeyDoc] = &[
    key(
        "listen",
        r#""[::]:4433""#,
        "Where clients connect: QUIC, so UDP. [::] serves IPv6 and IPv4.",
    ),
    key(
        "data",
        r#""parlour-data""#,
        "The data folder: messages, keys, the generated certificate. Keep it private and back\nit up. Relative paths count from the folder this file is in.",
    ),
    key("threads", "0", "Threads that serve connections; 0 for one per processor."),
    key(
        "http.listen",
        r#""127.0.0.1:8080""#,
        "Where /healthz, /readyz and /metrics are served, and attachments under links: TCP, for a\nreverse proxy unless `http.tls`. \"off\" for none.",
    ),
    example(
        "http.url",
        r#""https://chat.example.org""#,
        "Where clients reach that, without a slash at the end: links to attachments begin with it.",
    ),
    key(
        "http.tls",
        "false",
        "Whether that port speaks TLS itself, with the certificate of [tls]: for servers without a reverse\nproxy, such as on 0.0.0.0:443.",
    ),
    key(
        "http.proxies",
        r#"["127.0.0.0/8", "::1/128"]"#,
        "Ranges of addresses of reverse proxies. Of what comes from there, the last address in\nX-Forwarded-For is the one that wrong tokens are counted by; without that header nothing is counted.",
    ),
    key(
        "web.enabled",
        "true",
        "Whether browsers may connect: by WebTransport on the UDP port, and by WebSocket on that of HTTP.",
    ),
    key(
        "web.origins",
        "[]",
        "Pages of other hosts that may connect, such as \"https://app.example.org\"; \"*\" for all. Those\nof the server's own host always may.",
    ),
    key(
        "store.kind",
        r#""sled""#,
        "What keeps the messages: \"sled\", \"redb\" or \"memory\" (forgets all at the end).\n`parlour storage copy` moves them from one to another.",
    ),
    key(
        "store.cache_mb",
        "64",
        "The store's cache in MiB. sled may use up to four times as much memory.",
    ),
    key(
        "store.reserve_mb",
        "256",
        "Below this much free space, in MiB, nothing new is stored; reading goes on. Files are\nrefused below twice as much, so that they don't stop messages.",
    ),
    key(
        "search.enabled",
        "true",
        "Whether messages can be searched: an index is kept beside the store, and made again from it\nwhere it is missing. With false, what there is of it is removed.",
    ),
    key(
        "search.memory_mb",
        "32",
        "Memory for messages that are being indexed, in MiB. What is searched is read from files, which\nthe system caches as it can.",
    ),
    example(
        "blobs.path",
        r#""/srv/parlour-files""#,
        "The folder of attachments; without it, `blobs` in the data folder.",
    ),
    key("blobs.size_max_mb", "100", "The largest file, in MiB; 0 takes no files."),
    key(
        "blobs.media_types",
        "[]",
        "What is taken, such as [\"image/*\", \"application/pdf\"]; empty for everything. What a file\nbegins like goes over what its sender says.",
    ),
    key(
        "blobs.organization_max_mb",
        "0",
        "All files of one organization together, in MiB; 0 without a bound. See [quotas].",
    ),
    key(
        "blobs.user_per_day_max_mb",
        "10240",
        "What one user uploads in a day, in MiB; 0 without a bound.",
    ),
    example(
        "blobs.scanner",
        r#""127.0.0.1:3310""#,
        "Where clamd listens: an address and port, or the path of its socket. With it, no file is\nkept that it hasn't seen.",
    ),
    key(
        "blobs.ffmpeg",
        "true",
        "Whether sound and video are looked into with ffmpeg, where the host has it.",
    ),
    example(
        "blobs.s3.bucket",
        r#""parlour-files""#,
        "A bucket of an S3-compatible store, in which complete files are kept instead of in the folder.\nWhat is being uploaded lies in the folder, and what is there from before is still found.",
    ),
    example(
        "blobs.s3.endpoint",
        r#""https://s3.example.org:9000""#,
        "Where the store is, without the bucket; unset, AWS in that region.",
    ),
    key("blobs.s3.region", r#""us-east-1""#, "The region that requests are signed for."),
    key(
        "blobs.s3.prefix",
        r#""""#,
        "What all names in the bucket begin with, such as \"parlour\"; empty for nothing.",
    ),
    example(
        "blobs.s3.access_key_id",
        r#""AKIDEXAMPLE""#,
        "The key's id. It has to get, put, delete and list what is in the bucket under the prefix.",
    ),
    example("blobs.s3.secret_access_key_file", r#""s3-secret.txt""#, "A file with the key itself."),
    key(
        "blobs.s3.virtual_host",
        "false",
        "Whether the bucket's name is part of the host (bucket.s3.example.org) and not of the path.",
    ),
    key(
        "blobs.s3.allow_http",
        "false",
        "Whether another host may be asked without TLS; this host may always be.",
    ),
    example(
        "blobs.s3.ca_file",
        r#""s3-ca.pem""#,
        "Certificates in PEM that vouch for the store, instead of those the system trusts.",
    ),
    example(
        "tls.certificate",
        r#""fullchain.pem""#,
        "The certificate chain in PEM. Without one, a development certificate is generated, and\nclients pin its SHA-256, which is printed at the start. Files are read again when they change.",
    ),
    example("tls.key", r#""privkey.pem""#, "The private key in PEM."),
    key(
        "tls.names",
        r#"["localhost", "127.0.0.1", "::1"]"#,
        "Names and addresses in the generated development certificate.",
    ),
    key(
        "tls.acme.names",
        "[]",
        "Names that a certificate is had for from a CA by ACME (RFC 8555), such as [\"chat.example.org\"],\nand renewed (docs/operating.md). Until there is one, the generated certificate is shown.",
    ),
    key("tls.acme.contact", "[]", "Addresses of mail that the CA may write to."),
    key(
        "tls.acme.directory",
        r#""https://acme-v02.api.letsencrypt.org/directory""#,
        "The CA, by the address of its directory; without another one, Let's Encrypt.",
    ),
    key(
        "tls.acme.terms_agreed",
        "false",
        "Whether you agree to the CA's terms; nothing is asked of it otherwise.",
    ),
    example(
        "tls.acme.ca_file",
        r#""acme-ca.pem""#,
        "Certificates in PEM that vouch for the CA's server, instead of those the system trusts.",
    ),
    key(
        "tls.acme.listen",
        r#""off""#,
        "Where the CA's looks are answered, such as \"[::]:80\": http-01 is looked for at port 80 of each\nname. The port of HTTP answers as well, for proxies; with `http.tls` by tls-alpn-01, at port 443.",
    ),
    example(
        "tls.acme.eab_key_id",
        r#""kid-1""#,
        "For a CA that makes accounts only for its customers: the id of the key it has given out.",
    ),
    example("tls.acme.eab_key_file", r#""eab.txt""#, "A file with that key in base64url."),
    example(
        "accounts.enabled",
        "true",
        "Whether the server keeps accounts of its own: sign-in links, invites, passwords. Unset, it does\nwhere no key below is configured. With both, tokens have to name their key (`kid`).",
    ),
    key(
        "accounts.token_s",
        "3600",
        "How long a token of such an account is good, in seconds: 5 to 86400. Clients get new ones by\nthemselves.",
    ),
    example(
        "accounts.address",
        r#""chat.example.org:4433""#,
        "Where clients reach the server, for links; unset, the first of tls.acme.names or tls.names,\nand the port.",
    ),
    key(
        "accounts.passkeys",
        "true",
        "Whether people may sign in with passkeys (docs/accounts.md).",
    ),
    example(
        "accounts.passkey_host",
        r#""example.org""#,
        "The host that browsers keep passkeys under: that of the web client's address, or one above it; unset,\nthat of http.url, or localhost. With another one, all passkeys made so far are lost.",
    ),
    key(
        "auth.leeway_s",
        "5",
        "How far the clock of whoever issues tokens may be off, in seconds; at most 300.",
    ),
    example("auth.audience", r#""chat.example.org""#, "The `aud` that every token must have."),
    example("auth.issuer", r#""https://id.example.org""#, "The `iss` that every token must have."),
    key(
        "auth.key_sets",
        "[]",
        "JSON Web Key Sets (RFC 7517), as files. They are read again when they change; a key that\nis gone from them closes the sessions it opened.",
    ),
    example(
        "auth.keys.id",
        r#""main""#,
        "Single keys, one [[auth.keys]] each. With no key and no key set, the server makes an HS256\nkey in the data folder, which `parlour token` uses.\nid is the `kid` that tokens name. Tokens without `kid` are accepted only if there is one key in all.",
    ),
    example(
        "auth.keys.algorithm",
        r#""EdDSA""#,
        "HS256, ES256, RS256 or EdDSA. A token can't choose another.",
    ),
    example(
        "auth.keys.public_key_file",
        r#""token-key.pem""#,
        "ES256, RS256, EdDSA: the public key in PEM.",
    ),
    example(
        "auth.keys.secret_file",
        r#""token-secret.txt""#,
        "HS256: a file with the secret in base64, at least 32 bytes of it.",
    ),
    example(
        "auth.keys.secret",
        r#""<base64>""#,
        "HS256: the secret itself in base64. Prefer secret_file.",
    ),
    example(
        "auth.oidc.issuer",
        r#""https://id.example.org/realms/acme""#,
        "Identity providers, one [[auth.oidc]] each, whose keys are fetched and read again as they\nchange (docs/oidc.md).\nissuer is the `iss` of its tokens; what it says of itself is read below it\n(/.well-known/openid-configuration).",
    ),
    example("auth.oidc.audiences", r#"["parlour"]"#, "One of these must be in its tokens' `aud`."),
    example("auth.oidc.organization", r#""acme""#, "The organization that all its users are in."),
    example(
        "auth.oidc.organization_claim",
        r#""org""#,
        "Instead of that, the claim that says which one: the provider then speaks for all of them.",
    ),
    example(
        "auth.oidc.jwks_url",
        r#""https://id.example.org/keys""#,
        "Where its keys are, for a provider that doesn't say.",
    ),
    example(
        "auth.oidc.subject_claim",
        r#""sub""#,
        "The claim with who a user is; sub unless set. It must never become somebody else's.",
    ),
    example(
        "auth.oidc.name_claims",
        r#"["name", "preferred_username"]"#,
        "The claims with what a user is called, of which the first that there is counts; these unless set.",
    ),
    example(
        "auth.oidc.scopes",
        r#"["admin:sessions"]"#,
        "Scopes that its tokens may give; none unless set.",
    ),
    example(
        "auth.oidc.ca_file",
        r#""provider-ca.pem""#,
        "Certificates in PEM that vouch for it, instead of those that the system trusts.",
    ),
    example(
        "auth.oidc.allow_http",
        "false",
        "Whether it may be asked without TLS on another host than this: whoever is between can then\nmake keys of their own.",
    ),
    example(
        "auth.oidc.look_gap_s",
        "30",
        "A token whose key isn't known makes the server look for it, but not within so many seconds of the\nlast look: 1 to 3600; 30 unless set.",
    ),
    example(
        "auth.oidc.web_client",
        r#""parlour""#,
        "The client id of the web client at the provider, one of the audiences: its page then offers to sign\nin there, with the authorization code flow and PKCE. The page's address is to be among the client's\nredirect addresses. This and the following take effect at the next start.",
    ),
    example(
        "auth.oidc.web_title",
        r#""Example SSO""#,
        "What the page calls it; its host unless set.",
    ),
    example(
        "auth.oidc.web_scope",
        r#""openid profile offline_access""#,
        "What the page asks for; this unless set.",
    ),
    example(
        "auth.oidc.web_origins",
        r#"["https://token.example.org"]"#,
        "Origins besides the issuer's that the page has to reach, such as that of another token endpoint.",
    ),
    key(
        "webhooks.enabled",
        "true",
        "Whether webhooks post what happens in rooms to addresses outside.",
    ),
    key(
        "webhooks.allow_private",
        "[]",
        "Ranges of addresses that webhooks may lead to besides public ones, such as\n[\"127.0.0.1/32\", \"10.1.0.0/16\"]; only there may they do without TLS. Whoever makes a webhook makes\nthe server ask what is at such an address.",
    ),
    key(
        "webhooks.give_up_after_s",
        "259200",
        "A webhook is stopped when nothing was taken for so long, in seconds: 1 to 2592000.",
    ),
    key(
        "previews.enabled",
        "false",
        "Whether the server visits the pages that links in messages lead to, and shows the room what they\nsay of themselves. Off unless wished: it makes the server ask what users name, and tells those it\nasks that somebody was sent a link to them.",
    ),
    key(
        "previews.allow_private",
        "[]",
        "Ranges of addresses that such links may lead to besides public ones, and there at any port.",
    ),
    key("limits.connections_max", "20000", "Connections at once; more are refused."),
    key(
        "limits.retry_above_handshakes",
        "256",
        "Handshakes in flight above which addresses have to prove themselves first (QUIC Retry).",
    ),
    key(
        "limits.connects_per_second_per_address",
        "50.0",
        "New connections per second from one address (IPv6: from one /64), 0.001 to 1000000.",
    ),
    key(
        "limits.connects_burst_per_address",
        "500",
        "New connections from one address at once, 1 to 1000000.",
    ),
    key(
        "limits.calls_per_second_per_user",
        "200.0",
        "Calls per second of one user over all devices, 0.001 to 1000000.",
    ),
    key("limits.calls_burst_per_user", "2000", "Calls of one user at once, 1 to 1000000."),
    key(
        "limits.calls_per_second_per_device",
        "100.0",
        "Calls per second of one device, 0.001 to 1000000.",
    ),
    key("limits.calls_burst_per_device", "1000", "Calls of one device at once, 1 to 1000000."),
    key(
        "limits.calls_per_second_per_organization",
        "10000.0",
        "Calls per second of all users of one organization together, 0.001 to 1000000. Administration\nand the renewal of tokens go on beyond it.",
    ),
    key(
        "limits.calls_burst_per_organization",
        "100000",
        "Calls of one organization at once, 1 to 1000000.",
    ),
    key(
        "limits.failures_per_second_per_address",
        "1.0",
        "Wrong tokens, keys and hooks per second from one address, 0.001 to 1000000. Beyond it, most of\nwhat comes from there isn't looked at; tokens that were right before always are.",
    ),
    key(
        "limits.failures_burst_per_address",
        "100",
        "Wrong tokens, keys and hooks from one address at once, 1 to 1000000.",
    ),
    key(
        "quotas.users",
        "0",
        "People and programs that one organization may have, beside hooks and those who are deactivated;\n0 without a bound. `parlour admin quota set` says otherwise for one; blobs.organization_max_mb is\nthe quota of files.",
    ),
    key("quotas.groups", "0", "Groups of one organization; 0 without a bound."),
    key(
        "quotas.devices",
        "0",
        "Devices of one organization that are connected at the same time; 0 without a bound.",
    ),
    key(
        "drain.deadline_s",
        "20",
        "On SIGTERM, clients are told to leave; after this many seconds they are closed.",
    ),
    example(
        "drain.jitter_s",
        "5",
        "Over how many seconds their leaving is spread, so that they don't all arrive elsewhere at once.\nWithout it half of drain.deadline_s, at most 10.",
    ),
    key("log.format", r#""text""#, "\"text\" for people, \"json\" for machines."),
    key(
        "log.level",
        r#""info""#,
        "error, warn, info, debug or trace, or a filter such as \"info,parlour_daemon=debug\".\nNo level shows tokens, names, texts or addresses.",
    ),
    key(
        "metrics.listen",
        r#""off""#,
        "A listener of its own for /metrics, without a token: for a private address.",
    ),
    example(
        "metrics.token_file",
        r#""metrics-token.txt""#,
        "A file with a token. With it, the HTTP port serves /metrics to whoever sends\n`Authorization: Bearer TOKEN`; without it, /metrics isn't there.",
    ),
    example(
        "traces.endpoint",
        r#""http://127.0.0.1:4318""#,
        "An OpenTelemetry collector, by its base address: OTLP over HTTP in protobuf, to /v1/traces below\nit. Without one, nothing is traced (docs/traces.md).",
    ),
    example(
        "traces.headers",
        r#"{ Authorization = "Bearer <token>" }"#,
        "Headers that are sent along; keep this file private then.",
    ),
    example(
        "traces.ca_file",
        r#""collector-ca.pem""#,
        "Certificates in PEM that vouch for it, instead of those that the system trusts.",
    ),
    key(
        "traces.allow_http",
        "false",
        "Whether it may be asked without TLS on another host than this: whoever is between can then read\nthe headers.",
    ),
    key(
        "traces.service_name",
        r#""parlour""#,
        "What the server is called in traces (`service.name`).",
    ),
    key(
        "traces.sample_ratio",
        "0.01",
        "Which part of all calls is recorded: 0 for none, 1 for all of them.",
    ),
    key(
        "traces.parents",
        "false",
        "Whether a request over HTTP with a `traceparent` belongs to that trace, and is recorded if the\ntrace is. Only behind a proxy that takes the header out of strangers' requests: otherwise they\ndecide what is recorded.",
    ),
];
