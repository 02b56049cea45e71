//! What every benchmark stands on: processes on their own cores, what the kernel says about them,
//! histograms, and figures with the rules that make one valid. Nothing here knows a protocol.

pub(crate) mod certificate;
pub(crate) mod disk;
pub(crate) mod figure;
pub(crate) mod histogram;
pub(crate) mod machine;
pub(crate) mod namespace;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod token;

/// What can go wrong, in words for whoever runs the benchmark.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Turns any error into words, with what was being done.
pub(crate) fn during<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}
