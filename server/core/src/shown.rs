//! `Debug` of what holds secrets, addresses or what people wrote: it shows the fields that are named and
//! leaves out the others, so that nothing of them gets into a log, whoever logs it.

/// Implements `Debug` with no more than these fields.
macro_rules! shows {
    ($($type:ident { $($field:ident),* })*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($type));
                $(shown.field(stringify!($field), &self.$field);)*
                shown.finish_non_exhaustive()
            }
        }
    )*};
}

pub(crate) use shows;

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
