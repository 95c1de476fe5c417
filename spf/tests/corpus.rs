//! Replays the corpora of the fuzz targets on the stable toolchain.

#[path = "support/fuzz.rs"]
mod fuzz;

use std::path::Path;

/// Files of one target, and bytes of one file: the corpora are kept small.
const FILES_MAX: usize = 300;
const FILE_BYTES_MAX: usize = 1024;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).expect("the corpus is there");
    let paths: Vec<_> = entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!((1..=FILES_MAX).contains(&paths.len()), "{} files for {target}", paths.len());
    for path in paths {
        let data = std::fs::read(&path).expect("the file can be read");
        assert!(data.len() <= FILE_BYTES_MAX, "{} is over {FILE_BYTES_MAX} bytes", path.display());
        println!("{}", path.display());
        run(&data);
    }
}

#[test]
fn the_corpus_of_records_holds() {
    replay("record", fuzz::record);
}

#[test]
fn the_corpus_of_macro_strings_holds() {
    replay("macro_string", fuzz::macro_string);
}

#[test]
fn the_corpus_of_checks_holds() {
    replay("check_host", fuzz::check_host);
}
