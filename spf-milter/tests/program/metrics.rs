//! The numbers that Prometheus reads: the real page, the list in the documents, the dashboard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::daemon::Daemon;
use crate::mail::{ZONE, begin, greet, message};

/// The page, after one message and in the middle of another.
async fn page() -> String {
    let daemon = Daemon::start("metrics = \"unix:[dir]/m\"", ZONE, &[]).await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    assert_eq!(begin(&mut mta).await, 'c');
    let mut page = tokio::net::UnixStream::connect(daemon.path("m")).await.expect("the page is there");
    page.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it reads");
    let mut text = String::new();
    page.read_to_string(&mut text).await.expect("it answers");
    text
}

/// Name and kind of each family.
fn families(page: &str) -> BTreeMap<String, String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn the_page_counts_what_happened() {
    let text = page().await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    for line in [
        "spf_milter_results_total{identity=\"mailfrom\",result=\"pass\"} 1",
        "spf_milter_results_total{identity=\"helo\",result=\"fail\"} 1",
        "spf_milter_messages_total{action=\"accepted\"} 1",
        "spf_milter_connections_open 1",
        "spf_milter_messages_open 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn the_list_in_the_documents_is_what_is_on_the_page() {
    let text = read("docs/metrics.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `spf_milter_"));
    let cells = rows.filter_map(|row| row.split_once("` | "));
    let listed =
        cells.map(|(name, rest)| (format!("spf_milter_{name}"), rest.split(' ').next().unwrap_or_default().to_owned()));
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), families(&page().await));
}

#[tokio::test]
async fn the_dashboard_and_the_alarms_ask_for_what_there_is() {
    let families = families(&page().await);
    let asked = names(&read("packaging/grafana/spf-milter.json"));
    for name in asked.iter().chain(&names(&read("docs/metrics.md"))) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        assert!(families.contains_key(family), "there is no {name}");
    }
    let shown = |name: &String| asked.iter().any(|asked| asked.starts_with(name.as_str()));
    let missing: Vec<_> = families.keys().filter(|name| !shown(name)).collect();
    assert!(missing.is_empty(), "not on the dashboard: {missing:?}");
}

/// All words that begin as our numbers do.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("spf_milter_")).map(ToOwned::to_owned).collect()
}
