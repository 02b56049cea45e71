//! The contract as JSON: requests and answers of the protocol in proto3's JSON mapping, by the
//! descriptors that the protocol's build makes. What is read is stricter than it has to be, and what is
//! wrong is named by its place, never by its value.

mod fields;
mod read;
mod write;

use std::{collections::BTreeMap, sync::LazyLock};

use parlour_protocol::generated::{DESCRIPTORS, METHODS, Method};
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, Value};

pub(crate) use fields::{Content, content};
pub(crate) use read::read;
pub(crate) use write::{Form, write};

/// A method, with what goes in and what comes out.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its row in the protocol's table.
    pub(crate) method: &'static Method,
    /// As the contract describes it.
    pub(crate) described: MethodDescriptor,
}

impl Entry {
    /// What goes in.
    pub(crate) fn request(&self) -> MessageDescriptor {
        self.described.input()
    }

    /// What comes out, or one item of it.
    pub(crate) fn response(&self) -> MessageDescriptor {
        self.described.output()
    }
}

/// The contract, as far as JSON needs it.
#[derive(Debug)]
pub(crate) struct Contract {
    /// All of its messages.
    pub(crate) pool: DescriptorPool,
    /// Methods as `Service.Method`.
    pub(crate) methods: BTreeMap<String, Entry>,
    /// The messages that are bodies of events, by kind.
    pub(crate) bodies: BTreeMap<u32, MessageDescriptor>,
}

/// Made when it is first needed: most servers are never asked in JSON.
pub(crate) static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::new);

impl Contract {
    fn new() -> Self {
        let pool =
            DescriptorPool::decode(DESCRIPTORS).expect("the build made it from the contract");
        let methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .filter_map(|described| {
                let method = METHODS.iter().find(|method| method.name == described.full_name())?;
                let service = described.parent_service().name().to_owned();
                Some((format!("{service}.{}", described.name()), Entry { method, described }))
            })
            .collect();
        let rule = pool.get_extension_by_name("parlour.options.v1.event");
        let rule = rule.expect("the contract has this option");
        let kind =
            |message: &MessageDescriptor| match message.options().get_extension(&rule).as_ref() {
                Value::Message(rule) => rule.get_field_by_name("kind")?.as_u32(),
                _ => None,
            };
        let bodies = pool.all_messages().filter_map(|message| Some((kind(&message)?, message)));
        let bodies = bodies.filter(|(kind, _)| *kind > 0).collect();
        Contract { pool, methods, bodies }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
