//! The milter as a program: `rust-milter-example unix:/path`.

use rust_milter_example::{Lists, serve};
use tokio::net::UnixListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or_default();
    let path = addr.strip_prefix("unix:").unwrap_or(&addr);
    let _ = std::fs::remove_file(path);
    serve(UnixListener::bind(path)?, Lists { closed: vec!["<lists@example.org>".to_owned()] }).await
}
