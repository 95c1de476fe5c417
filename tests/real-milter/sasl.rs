//! A stand-in for saslauthd, which SASL libraries ask whether a password is right: every password is.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};

/// Listens where the MTAs look for it, inside and outside of Postfix's chroot, and tells them so.
///
/// # Errors
/// A file or socket cannot be made.
pub(crate) fn start() -> io::Result<()> {
    for dir in ["/run/saslauthd", "/var/spool/postfix/run/saslauthd"] {
        fs::create_dir_all(dir)?;
        let path = Path::new(dir).join("mux");
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    }
    for file in ["/etc/sasl2/Sendmail.conf", "/etc/postfix/sasl/smtpd.conf"] {
        fs::write(file, "pwcheck_method: saslauthd\nmech_list: PLAIN\nsaslauthd_path: /run/saslauthd/mux\n")?;
    }
    Ok(())
}

/// User, password, service and realm come as counted strings; so does the answer.
async fn answer(mut stream: UnixStream) -> io::Result<()> {
    for _ in 0..4 {
        let mut text = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut text).await?;
    }
    stream.write_all(b"\x00\x02OK").await
}
