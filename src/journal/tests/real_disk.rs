//! The same journal on files: what only the real disk can show.

use std::ops::ControlFlow;

use crate::journal::{Config, Error, Recovered, open, read};
use crate::reading::Seq;

fn opened(config: &Config) -> Result<(Vec<String>, Recovered), Error> {
    let mut entries = Vec::new();
    let recovered = open(config.clone(), Seq(0), &mut |_, entry| {
        entries.push(String::from_utf8_lossy(entry).into_owned());
        Ok(())
    })?;
    Ok((entries, recovered))
}

#[test]
fn entries_come_back_from_files_and_the_folder_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 8192, ..Config::new(folder.path().join("data").join("journal")) };
    let (entries, recovered) = opened(&config).unwrap();
    assert!(entries.is_empty());
    let journal = recovered.start(|_| {}).unwrap();
    for entry in 0..1000 {
        journal.append_blocking(|bytes| bytes.extend_from_slice(format!("entry {entry} of a thousand").as_bytes()), ()).unwrap();
        // Groups of various sizes.
        while entry % 50 == 0 && journal.health().pending_entries > 0 {
            std::thread::yield_now();
        }
    }
    let Err(Error::Locked { holder, .. }) = opened(&config).map(|_| ()) else { panic!("the folder is not locked") };
    assert_eq!(holder, format!(" (number {})", std::process::id()));
    journal.close().unwrap();
    let health = journal.health();
    assert!(health.segments > 1 && health.bytes_on_disk >= 8192 * (health.segments - 1), "{health:?}");
    assert_eq!(health.fsync_buckets.iter().sum::<u64>(), health.fsyncs);

    let mut count = 0;
    let mut take = |seq: Seq, _: &[u8]| {
        count += 1;
        assert_eq!(seq, Seq(count));
        ControlFlow::Continue(())
    };
    read(&config.dir, Seq(1), &mut take).unwrap();
    assert_eq!(count, 1000);
    let (entries, _) = opened(&config).unwrap();
    assert!(entries.into_iter().eq((0..1000).map(|entry| format!("entry {entry} of a thousand"))));
}
