//! Sockets and their files.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixListener,
    },
};

use milter::{ListenAddr, Listener, SocketOptions};
use tempfile::TempDir;

fn folder() -> (TempDir, ListenAddr) {
    let dir = tempfile::tempdir().expect("a folder");
    let addr = ListenAddr::Unix(dir.path().join("m.sock"));
    (dir, addr)
}

fn path(addr: &ListenAddr) -> &std::path::Path {
    let ListenAddr::Unix(path) = addr else { panic!("a unix address") };
    path
}

async fn refusal(addr: &ListenAddr) -> String {
    let error = Listener::bind(addr, SocketOptions::default()).await.expect_err("it cannot be bound").to_string();
    error.strip_prefix(&format!("{addr}: ")).expect("the error names the address").to_owned()
}

#[tokio::test]
async fn a_socket_has_the_mode_that_was_asked_for_and_goes_away() {
    let (_dir, addr) = folder();
    let listener = Listener::bind(&addr, SocketOptions { mode: Some(0o660), ..SocketOptions::default() })
        .await
        .expect("the path is free");
    let mode = fs::metadata(path(&addr)).expect("the socket is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(listener.local_addr().expect("it is bound"), addr);
    drop(listener);
    assert!(!path(&addr).exists());
}

#[tokio::test]
async fn a_socket_has_the_group_that_was_asked_for() {
    let (dir, addr) = folder();
    let own = fs::metadata(dir.path()).expect("the folder is there");
    let options = SocketOptions { mode: Some(0o600), owner: Some(own.uid()), group: Some(own.gid()) };
    let _listener = Listener::bind(&addr, options).await.expect("our own numbers are allowed");
    let socket = fs::metadata(path(&addr)).expect("the socket is there");
    assert_eq!((socket.uid(), socket.gid(), socket.mode() & 0o777), (own.uid(), own.gid(), 0o600));
}

#[tokio::test]
async fn a_listener_can_be_bound_in_one_runtime_and_served_in_another() {
    let (_dir, addr) = folder();
    let bind = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Listener::bind(&addr, SocketOptions::default())).expect("the path is free")
    };
    let listener = std::thread::scope(|scope| scope.spawn(bind).join().expect("it does not panic"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let factory = || super::scripted::Scripted::new(super::scripted::Script::default());
    let running = milter::run([listener], factory, milter::ServerOptions::default(), shutdown);
    let session = async {
        let mut mta = super::peer::Mta::connect(&addr).await.expect("it listens");
        mta.negotiate().await;
        drop((mta, stop));
    };
    assert_eq!(tokio::join!(running, session).0.connections, 1);
}

#[tokio::test]
async fn what_a_dead_process_left_is_replaced() {
    let (_dir, addr) = folder();
    drop(UnixListener::bind(path(&addr)).expect("the path is free"));
    assert!(path(&addr).exists());
    Listener::bind(&addr, SocketOptions::default()).await.expect("nobody listens there");
}

#[tokio::test]
async fn a_living_socket_is_left_alone() {
    let (_dir, addr) = folder();
    let living = UnixListener::bind(path(&addr)).expect("the path is free");
    let refused = refusal(&addr).await;
    assert_eq!(refused, "another process listens there; stop it first, or choose another address");
    assert!(path(&addr).exists());
    drop(living);
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let (dir, addr) = folder();
    fs::write(path(&addr), "precious").expect("the folder can be written");
    let expected = "the path is there and is not a socket; remove it, or choose another path";
    assert_eq!(refusal(&addr).await, expected);
    assert_eq!(fs::read_to_string(path(&addr)).expect("it is still there"), "precious");
    let link = ListenAddr::Unix(dir.path().join("link"));
    std::os::unix::fs::symlink(path(&addr), path(&link)).expect("the folder can be written");
    assert_eq!(refusal(&link).await, expected);
}

#[tokio::test]
async fn the_file_of_another_socket_is_not_removed() {
    let (_dir, addr) = folder();
    let listener = Listener::bind(&addr, SocketOptions::default()).await.expect("the path is free");
    fs::remove_file(path(&addr)).expect("it is there");
    let other = UnixListener::bind(path(&addr)).expect("the path is free");
    drop(listener);
    assert!(path(&addr).exists());
    drop(other);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Listener::bind(&"inet:0@127.0.0.1".parse().expect("good"), SocketOptions::default())
        .await
        .expect("a free port");
    let addr = first.local_addr().expect("it is bound");
    assert!(addr.to_string().starts_with("inet:"));
    assert!(refusal(&addr).await.starts_with("another process listens there"));
}

#[tokio::test]
async fn a_host_of_the_other_family_is_no_host() {
    let addr: ListenAddr = "inet6:0@127.0.0.1".parse().expect("it looks like a name");
    assert!(refusal(&addr).await.starts_with("the host has no address of this family"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let (dir, _) = folder();
    let addr = ListenAddr::Unix(dir.path().join("no/m.sock"));
    let expected =
        format!("there is no folder {}/no; make it, owned by the user that the filter runs as", dir.path().display());
    assert_eq!(refusal(&addr).await, expected);
}
