//! Changes of an observable list: small edits at an index, never a reload unless there is no
//! other way.

/// One change of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Diff<T> {
    /// A new item, before the one that has this index now.
    Insert {
        /// Where.
        index: usize,
        /// What.
        item: T,
    },
    /// The item at this index is another now.
    Update {
        /// Where.
        index: usize,
        /// What.
        item: T,
    },
    /// The item at this index is gone.
    Remove {
        /// Where.
        index: usize,
    },
    /// Everything is different.
    Reset {
        /// The whole list.
        items: Vec<T>,
    },
}

impl<T> Diff<T> {
    /// Makes the change to a copy of the list. Indexes beyond the end are left alone.
    pub fn apply(self, list: &mut Vec<T>) {
        match self {
            Diff::Insert { index, item } if index <= list.len() => list.insert(index, item),
            Diff::Update { index, item } if index < list.len() => list[index] = item,
            Diff::Remove { index } if index < list.len() => {
                list.remove(index);
            }
            Diff::Reset { items } => *list = items,
            Diff::Insert { .. } | Diff::Update { .. } | Diff::Remove { .. } => {}
        }
    }

    /// The same change of a list of something else.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Diff<U> {
        match self {
            Diff::Insert { index, item } => Diff::Insert { index, item: f(item) },
            Diff::Update { index, item } => Diff::Update { index, item: f(item) },
            Diff::Remove { index } => Diff::Remove { index },
            Diff::Reset { items } => Diff::Reset { items: items.into_iter().map(f).collect() },
        }
    }
}
