//! The page that Prometheus reads: as much of HTTP/1 as that takes, bounded in size and time.

use std::sync::Arc;
use std::time::Duration;

use milter::{Serving, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::metrics::{MetricsText, Registry};

/// Answers all who connect; never ends. A reader too many is hung up on.
pub(super) async fn serve_page(door: Serving, registry: Arc<Registry>) {
    let room = Arc::new(Semaphore::new(READERS_MAX));
    loop {
        let Ok(stream) = door.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let registry = Arc::clone(&registry);
        tokio::spawn(async move {
            // A reader that is gone, or slow, has no answer to miss.
            let _ = timeout(PATIENCE, converse(stream, &registry)).await;
            drop(permit);
        });
    }
}

/// One request, one answer, the end.
async fn converse(mut stream: Box<dyn Stream>, registry: &Registry) -> std::io::Result<()> {
    let mut request = Vec::new();
    let answer = loop {
        if request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            break answer(&request, registry);
        }
        if request.len() > REQUEST_BYTES_MAX {
            break response("431 Request Header Fields Too Large", TEXT, "too large\n", true);
        }
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn answer(request: &[u8], registry: &Registry) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words.as_slice() else {
        return response("400 Bad Request", TEXT, "bad request\n", true);
    };
    if !version.starts_with(b"HTTP/1.") {
        return response("505 HTTP Version Not Supported", TEXT, "HTTP/1 is spoken here\n", true);
    }
    let has_body = *method != b"HEAD";
    if has_body && *method != b"GET" {
        return response("405 Method Not Allowed", TEXT, "GET is all there is\n", true);
    }
    match target.split(|byte| *byte == b'?').next() {
        Some(b"/metrics") => response("200 OK", MetricsText::CONTENT_TYPE, &registry.render(), has_body),
        _ => response("404 Not Found", TEXT, "the numbers are at /metrics\n", has_body),
    }
}

fn response(status: &str, content_type: &str, body: &str, has_body: bool) -> String {
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        body.len()
    );
    if has_body { head + body } else { head }
}

const TEXT: &str = "text/plain; charset=utf-8";

/// How many are answered at a time.
const READERS_MAX: usize = 8;

/// The largest request.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// How long a reader may take for everything.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(request: &[u8]) -> String {
        let (mut reader, page) = tokio::io::duplex(64 * 1024);
        let registry = Registry::default();
        let asking = async {
            // The page may stop to read before the end of what is too much.
            let _ = reader.write_all(request).await;
            let _ = reader.shutdown().await;
            let mut answer = Vec::new();
            let _ = reader.read_to_end(&mut answer).await;
            String::from_utf8(answer).expect("answers are text")
        };
        let (answer, _) = tokio::join!(asking, converse(Box::new(page), &registry));
        answer.lines().next().unwrap_or("no answer").to_owned()
    }

    #[tokio::test]
    async fn each_request_has_its_answer() {
        let table: [(&[u8], &str); 9] = [
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"),
            (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
            (b"HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"),
            (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
            (b"GET /metrics HTTP/2\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"),
            (b"\x16\x03\x01\r\n\r\n", "HTTP/1.1 400 Bad Request"),
            (b"GET /metrics HTTP/1.1\r\n", "no answer"),
            (&[b'x'; 20_000], "HTTP/1.1 431 Request Header Fields Too Large"),
        ];
        for (request, first) in table {
            assert_eq!(asked(request).await, first, "{}", request[..request.len().min(40)].escape_ascii());
        }
    }
}
