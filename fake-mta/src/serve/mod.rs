//! `fake-mta serve`: real SMTP clients talk to the fake MTA, and it talks to the milters.

mod args;
mod maildir;
mod session;
mod tls;

use std::{io, sync::Arc};

use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

pub use args::{HELP, ServeArgs};

use self::{maildir::Maildir, session::Session, tls::Tls};
use crate::{
    diag::Diag,
    run::{Cancel, Console, Exit},
};

/// Serves clients until `cancel` is raised.
pub async fn serve(args: &ServeArgs, cancel: &Cancel, console: &mut Console) -> Exit {
    match serve_until(args, cancel, console).await {
        Ok(()) => Exit::PASSED,
        Err(diag) => {
            console.diags(&[diag]);
            Exit::HARNESS
        }
    }
}

async fn serve_until(args: &ServeArgs, cancel: &Cancel, console: &mut Console) -> Result<(), Diag> {
    let maildir = args.maildir.as_deref().map(Maildir::open).transpose();
    let maildir = Arc::new(maildir.map_err(|error| Diag::error(format!("cannot make the maildir: {error}")))?);
    let tls = args.starttls.then(|| Tls::throw_away(&args.hostname)).transpose();
    let tls = tls.map_err(|error| Diag::error(format!("cannot make a certificate for {}: {error}", args.hostname)))?;
    let listener = TcpListener::bind(args.smtp).await;
    let cannot = |error: io::Error| Diag::error(format!("cannot listen on {}: {error}", args.smtp));
    let listener = listener.map_err(cannot)?;
    let addr = listener.local_addr().map_err(cannot)?;
    console.message(&format!("{} listens on {addr}\n", args.personality().name()));
    let permits = Arc::new(Semaphore::new(SESSIONS_MAX));
    let mut sessions = JoinSet::new();
    let accepting = async {
        for number in 1.. {
            let permit = Arc::clone(&permits).acquire_owned().await;
            // A client that is gone already is no reason to stop; neither is a moment without file descriptors.
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let session = Session::new(number, peer, args, Arc::clone(&maildir), tls.clone());
            while sessions.try_join_next().is_some() {}
            sessions.spawn(async move {
                session.run(Box::new(stream)).await;
                drop(permit);
            });
        }
    };
    // Sessions that still run end with the program.
    let _: Option<()> = cancel.or(accepting).await;
    Ok(())
}

/// So many clients are served at once; others wait.
const SESSIONS_MAX: usize = 200;

const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
