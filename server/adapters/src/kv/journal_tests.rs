//! The journal by itself: entries survive, torn ones don't count, files take turns.

use super::*;

fn entries(folder: &Path) -> Vec<u64> {
    Journal::open(folder).unwrap().1.into_keys().collect()
}

#[test]
fn entries_are_read_again_and_payloads_survive() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, found) = Journal::open(folder.path()).unwrap();
    assert!(found.is_empty());
    let mut writes = Writes::new();
    writes.insert(vec![1; 300], Some(Bytes::from(vec![2; 3000])));
    writes.insert(vec![], None);
    writes.insert(vec![9], Some(Bytes::new()));
    for commit in 1..=3 {
        assert_eq!(journal.append(commit, &encode(&writes), 0).unwrap(), Ok(()));
    }
    let (_, found) = Journal::open(folder.path()).unwrap();
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(decode(found[&2].clone()), Some(writes));
    assert_eq!(decode(found[&2].slice(..found[&2].len() - 1)), None);
}

#[test]
fn a_torn_entry_is_none_and_a_forged_one_neither() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(folder.path()).unwrap();
    // A body that holds a whole entry of another journal, on a sector of its own.
    let mut forged = vec![0; 512 - ENTRY_HEADER_BYTES];
    forged.put_u32(MARK);
    forged.put_u32(0);
    forged.put_u64(99);
    forged.put_u32(checksum(journal.salt ^ 1, 99, &[]));
    forged.resize(2000, 7);
    journal.append(1, &forged, 0).unwrap().unwrap();
    journal.append(2, &[5; 2000], 0).unwrap().unwrap();
    assert_eq!(entries(folder.path()), [1, 2]);
    journal.files[0].write_all_at(&[0; 10], HEADER_BYTES + 5).unwrap();
    assert_eq!(entries(folder.path()), [2]);
}

#[test]
fn a_file_is_used_again_only_when_the_engine_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(folder.path()).unwrap();
    let quarter = vec![1; JOURNAL_FILE_BYTES as usize / 4];
    for commit in 1..=6 {
        assert_eq!(journal.append(commit, &quarter, 0).unwrap(), Ok(()), "{commit}");
    }
    assert_eq!(journal.append(7, &quarter, 2).unwrap(), Err(Full::Until(3)));
    assert_eq!(journal.append(7, &quarter, 3).unwrap(), Ok(()));
    assert_eq!(entries(folder.path()), [2, 3, 4, 5, 6, 7]);
    let whole = vec![1; JOURNAL_FILE_BYTES as usize];
    assert_eq!(journal.append(8, &whole, 7).unwrap(), Err(Full::TooLarge));
}

#[test]
fn a_journal_that_was_half_made_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(folder.path()).unwrap());
    std::fs::remove_file(folder.path().join(NAMES[1])).unwrap();
    let (mut journal, found) = Journal::open(folder.path()).unwrap();
    assert!(found.is_empty());
    journal.append(1, b"x", 0).unwrap().unwrap();
    assert_eq!(entries(folder.path()), [1]);
}

#[test]
fn a_damaged_header_costs_no_entry() {
    for damaged in NAMES {
        let scratch = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(scratch.path()).unwrap();
        journal.append(1, b"first", 0).unwrap().unwrap();
        journal.append(2, b"second", 0).unwrap().unwrap();
        drop(journal);
        let file = File::options().write(true).open(scratch.path().join(damaged)).unwrap();
        file.write_all_at(&[0x55; 8], 0).unwrap();
        for _ in 0..2 {
            let (_, entries) = Journal::open(scratch.path()).unwrap();
            assert_eq!(entries.len(), 2, "{damaged}");
            assert_eq!(&entries[&2][..], b"second");
        }
    }
}
