//! Files that people name: read up to a limit, and replaced as a whole.

use std::{
    fmt, fs,
    io::{self, Read, Write as _},
    os::unix::fs::FileTypeExt as _,
    path::Path,
};

use super::{Diag, escape};

/// Reads a text; `max` is in bytes.
///
/// # Errors
/// What is no file (a pipe has perhaps no writer), is larger, or is not UTF-8.
pub(crate) fn read_text(path: &Path, max: u64) -> Result<String, Diag> {
    utf8(path, read_bytes(path, max)?)
}

/// The same, of any bytes.
///
/// # Errors
/// What is no file, or is larger.
pub(crate) fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, Diag> {
    let read = || {
        // Opening a pipe would wait for somebody to write to it.
        if waits(path) {
            return Err(io::Error::other("it is no regular file"));
        }
        read_any(path, max)
    };
    read().map_err(|error| cannot("read", path, error))
}

/// Reads a text that the command line names: of a pipe too, `<(program)` of a shell say, whose writer is waited for as `cat` does.
///
/// # Errors
/// What is no file and no pipe, is larger than `max` bytes, or is not UTF-8.
pub(crate) fn read_named_text(path: &Path, max: u64) -> Result<String, Diag> {
    utf8(path, read_named(path, max)?)
}

/// The same, of any bytes.
///
/// # Errors
/// What is no file and no pipe, or is larger than `max` bytes.
pub(crate) fn read_named(path: &Path, max: u64) -> Result<Vec<u8>, Diag> {
    read_any(path, max).map_err(|error| cannot("read", path, error))
}

/// Whether it is a pipe or a socket: nobody who names a folder means what is in there of the kind.
pub(crate) fn waits(path: &Path) -> bool {
    let kind = fs::metadata(path).map(|meta| meta.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

fn read_any(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    // Of a device no more is read than of a file: /dev/null is empty.
    if !kind.is_file() && !kind.is_char_device() && !kind.is_fifo() {
        return Err(io::Error::other("it is no regular file"));
    }
    read_stream(fs::File::open(path)?, max)
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, Diag> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diag::error(format!("{} is not UTF-8 text (byte {at})", shown(path)))
    })
}

/// Reads to the end; `max` is in bytes.
///
/// # Errors
/// What the system says, or that there is more.
pub(crate) fn read_stream(from: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > max) {
        return Err(io::Error::other(format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// Gives a file another content: all of it, or, if that fails, none. A link stays one, and so do the file's permissions.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), Diag> {
    let write = || {
        let path = fs::canonicalize(path)?;
        let dir = path.parent().ok_or_else(|| io::Error::other("it is no file"))?;
        let mut new = tempfile::NamedTempFile::new_in(dir)?;
        new.write_all(content)?;
        new.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
        new.persist(&path)?;
        Ok::<(), io::Error>(())
    };
    write().map_err(|error| cannot("write", path, error))
}

/// `cannot read FILE: why`.
pub(crate) fn cannot(what: &str, path: &Path, error: impl fmt::Display) -> Diag {
    Diag::error(format!("cannot {what} {}: {error}", shown(path)))
}

/// A path as it may be printed.
pub(crate) fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

/// No scenario, suite file, script or zone is as large as that.
pub(crate) const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// No message is as large as that.
pub(crate) const MAX_MESSAGE_BYTES: u64 = 256 * 1024 * 1024;

/// No capture is as large as that, and no pcap file that somebody looks through.
pub(crate) const MAX_CAPTURE_BYTES: u64 = 1024 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_is_named_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let written = |text: &'static str, max| {
            let path = pipe.clone();
            let writer = std::thread::spawn(move || fs::write(path, text));
            let read = read_named_text(&pipe, max);
            writer.join().expect("no panic").expect("somebody reads");
            read
        };
        assert_eq!(written("12345", 5).as_deref(), Ok("12345"));
        assert!(written("12345", 4).is_err_and(|diag| diag.title.ends_with("it is larger than 4 bytes")));
        assert!(read_named(dir.path(), 5).is_err_and(|diag| diag.title.ends_with("it is no regular file")));
        let listener = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&listener).expect("it can be bound");
        assert!(read_named(&listener, 5).is_err_and(|diag| diag.title.ends_with("it is no regular file")));
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_not_beyond() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        fs::write(&path, "12345").expect("a file");
        assert_eq!(read_text(&path, 5).as_deref(), Ok("12345"));
        let problem = read_text(&path, 4).expect_err("one byte too many").title;
        assert!(problem.ends_with("a: it is larger than 4 bytes"), "{problem}");
        fs::write(&path, b"12\xff").expect("a file");
        assert!(read_text(&path, 5).is_err_and(|diag| diag.title.ends_with("is not UTF-8 text (byte 2)")));
    }

    #[test]
    fn what_has_no_end_or_no_writer_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        for path in [pipe.as_path(), dir.path()] {
            assert!(read_bytes(path, 5).is_err_and(|diag| diag.title.ends_with("it is no regular file")));
        }
        let endless = read_bytes(Path::new("/dev/zero"), 5);
        assert!(endless.is_err_and(|diag| diag.title.ends_with("it is larger than 5 bytes")));
        assert_eq!(read_bytes(Path::new("/dev/null"), 5), Ok(Vec::new()));
    }

    #[test]
    fn a_file_is_replaced_behind_its_link_and_keeps_its_permissions() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().expect("a folder");
        let (path, link) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&path, "old").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        symlink("a", &link).expect("a link");
        replace(&link, b"new").expect("the folder is ours");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "new");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2, "nothing else is left behind");
    }
}
