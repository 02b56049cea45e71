//! Method table, service traits, dispatch and typed calls.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

use super::{number, option, rust_path, snake};

struct Rpc {
    service: String,
    name: String,
    full: String,
    id: u32,
    bulk: bool,
    scope: String,
    needs_connection: bool,
    request: String,
    response: String,
}

fn parse(pool: &DescriptorPool, method: &MethodDescriptor) -> Rpc {
    let full = method.full_name().to_owned();
    let rule = option(pool, &method.options(), "parlour.options.v1.method")
        .unwrap_or_else(|| panic!("{full} lacks (parlour.options.v1.method)"));
    let (id, lane) = (number(&rule, "id"), number(&rule, "lane"));
    assert!(id > 0 && (lane == 1 || lane == 2), "{full}: id and lane must be set");
    let bulk = lane == 2;
    assert!(bulk == method.is_server_streaming(), "{full}: bulk methods stream, others don't");
    let scope = match rule.get_field_by_name("scope").as_deref() {
        Some(Value::String(s)) => s.clone(),
        _ => String::new(),
    };
    let needs_connection =
        matches!(rule.get_field_by_name("connection").as_deref(), Some(Value::Bool(true)));
    Rpc {
        service: method.parent_service().name().to_owned(),
        name: method.name().to_owned(),
        full,
        id,
        bulk,
        scope,
        needs_connection,
        request: rust_path(method.input().full_name()),
        response: rust_path(method.output().full_name()),
    }
}

pub(crate) fn generate(pool: &DescriptorPool) -> String {
    let mut rpcs: Vec<Rpc> = pool
        .services()
        .flat_map(|s| s.methods().map(|m| parse(pool, &m)).collect::<Vec<_>>())
        .collect();
    rpcs.sort_by_key(|rpc| rpc.id);
    for pair in rpcs.windows(2) {
        assert!(pair[0].id != pair[1].id, "{} and {} share an id", pair[0].full, pair[1].full);
    }
    let mut out = String::new();
    table(&mut out, &rpcs);
    traits(&mut out, &rpcs);
    dispatch(&mut out, &rpcs, false);
    dispatch(&mut out, &rpcs, true);
    out
}

fn table(out: &mut String, rpcs: &[Rpc]) {
    writeln!(out, "/// Every method, by number.\npub const METHODS: &[Method] = &[")
        .expect("string");
    for rpc in rpcs {
        let lane = if rpc.bulk { "Bulk" } else { "Control" };
        writeln!(
            out,
            "    Method {{ id: {}, name: {:?}, lane: Lane::{lane}, scope: {:?}, needs_connection: {} }},",
            rpc.id, rpc.full, rpc.scope, rpc.needs_connection
        )
        .expect("string");
    }
    out.push_str("];\n\n/// Typed calls: one type per method.\npub mod rpc {\n    use super::*;\n");
    for (i, rpc) in rpcs.iter().enumerate() {
        let (name, full) = (&rpc.name, &rpc.full);
        let (req, resp) = (
            &rpc.request.replace("super::", "super::super::"),
            &rpc.response.replace("super::", "super::super::"),
        );
        let kind = if rpc.bulk { "BulkRpc" } else { "ControlRpc" };
        writeln!(
            out,
            "    /// `{full}`.\n    #[derive(Clone, Copy, Debug)]\n    pub struct {name};\n    impl Rpc for {name} {{\n        type Request = {req};\n        type Response = {resp};\n        const METHOD: Method = METHODS[{i}];\n    }}\n    impl {kind} for {name} {{}}"
        )
        .expect("string");
    }
    out.push_str("}\n\n");
}

fn services(rpcs: &[Rpc], bulk: bool) -> Vec<&str> {
    let mut names: Vec<&str> =
        rpcs.iter().filter(|r| r.bulk == bulk).map(|r| r.service.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn traits(out: &mut String, rpcs: &[Rpc]) {
    for bulk in [false, true] {
        for service in services(rpcs, bulk) {
            let suffix = if bulk { "Bulk" } else { "" };
            writeln!(
                out,
                "/// Handlers of `{service}`.\npub trait {service}{suffix}<K: Kit>: Send + Sync {{"
            )
            .expect("string");
            for rpc in rpcs.iter().filter(|r| r.service == service && r.bulk == bulk) {
                let (full, name, req, resp) =
                    (&rpc.full, snake(&rpc.name), &rpc.request, &rpc.response);
                let (arg, answer) = if bulk {
                    (format!(", out: &mut K::Sink<{resp}>"), "()".to_owned())
                } else {
                    (String::new(), format!("K::Answer<{resp}>"))
                };
                writeln!(
                    out,
                    "    /// `{full}`.\n    fn {name}(&self, ctx: &mut K::Context, request: {req}{arg}) -> impl Future<Output = Result<{answer}, K::Error>> + Send;"
                )
                .expect("string");
            }
            out.push_str("}\n\n");
        }
    }
}

fn dispatch(out: &mut String, rpcs: &[Rpc], bulk: bool) {
    let suffix = if bulk { "Bulk" } else { "" };
    let bounds: Vec<String> =
        services(rpcs, bulk).iter().map(|s| format!("{s}{suffix}<K>")).collect();
    let bounds = bounds.join(" + ");
    let (name, sink, answer) = if bulk {
        ("dispatch_bulk", ", out: K::RawSink", "()")
    } else {
        ("dispatch_control", "", "K::Reply")
    };
    writeln!(
        out,
        "/// Decodes the request of a {} call and runs its handler.\n#[allow(clippy::too_many_lines, reason = \"an arm per method\")]\npub async fn {name}<K: Kit, S: {bounds}>(services: &S, ctx: &mut K::Context, method: u32, body: Bytes{sink}) -> Result<{answer}, K::Error> {{\n    match method {{",
        if bulk { "bulk" } else { "control" }
    )
    .expect("string");
    for rpc in rpcs.iter().filter(|r| r.bulk == bulk) {
        let (id, req, name) = (rpc.id, &rpc.request, snake(&rpc.name));
        let service = &rpc.service;
        let call = if bulk {
            format!(
                "let mut sink = K::sink(out);\n            {service}Bulk::<K>::{name}(services, ctx, request, &mut sink).await"
            )
        } else {
            format!("{service}::<K>::{name}(services, ctx, request).await.map(K::reply)")
        };
        writeln!(
            out,
            "        {id} => {{\n            let request = <{req} as prost::Message>::decode(body).map_err(|_| K::malformed())?;\n            {call}\n        }}"
        )
        .expect("string");
    }
    out.push_str("        _ => Err(K::unknown_method()),\n    }\n}\n\n");
}
