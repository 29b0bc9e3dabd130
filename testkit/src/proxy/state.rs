//! The state that the threads of a proxy share.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::fault::{Action, Fault};
use crate::sync::lock;

#[derive(Debug)]
pub(super) struct State {
    pub(super) target: SocketAddr,
    current: Mutex<Current>,
    changed: Condvar,
    listener: Mutex<Option<TcpListener>>,
    connections: Mutex<Vec<Weak<Connection>>>,
    accepted: AtomicUsize,
    triggered: AtomicUsize,
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Current {
    fault: Arc<Fault>,
    once: bool,
}

impl State {
    pub(super) fn new(target: SocketAddr) -> Self {
        Self {
            target,
            current: Mutex::default(),
            changed: Condvar::new(),
            listener: Mutex::new(None),
            connections: Mutex::default(),
            accepted: AtomicUsize::new(0),
            triggered: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn set(&self, fault: Fault, once: bool) {
        *lock(&self.current) = Current { fault: Arc::new(fault), once };
        self.changed.notify_all();
    }

    pub(super) fn fault(&self) -> Arc<Fault> {
        Arc::clone(&lock(&self.current).fault)
    }

    /// Counts that `fault` is triggered. False when it was set for one connection, and another one was first.
    pub(super) fn trigger(&self, fault: &Arc<Fault>) -> bool {
        let mut current = lock(&self.current);
        if !Arc::ptr_eq(&current.fault, fault) {
            return false;
        }
        if current.once {
            *current = Current::default();
            self.changed.notify_all();
        }
        self.triggered.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Waits while the fault is a black hole and `connection` is open.
    pub(super) fn wait_out_black_hole(&self, connection: &Connection) {
        self.wait_while(connection, |fault| *fault == Fault::BlackHole);
    }

    /// Waits while the fault is one that holds connections and `connection` is open.
    pub(super) fn wait_while_held(&self, connection: &Connection) {
        self.wait_while(connection, |fault| matches!(fault, Fault::OnPattern { action: Action::Hold, .. }));
    }

    fn wait_while(&self, connection: &Connection, applies: impl Fn(&Fault) -> bool) {
        let mut current = lock(&self.current);
        while applies(&current.fault) && !connection.is_over() && !self.has_ended() {
            let waited = self.changed.wait_timeout(current, Duration::from_millis(20));
            current = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    pub(super) fn triggered(&self) -> usize {
        self.triggered.load(Ordering::SeqCst)
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn note_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn open(&self, listener: TcpListener) {
        *lock(&self.listener) = Some(listener);
    }

    pub(super) fn close(&self) {
        *lock(&self.listener) = None;
    }

    pub(super) fn is_open(&self) -> bool {
        lock(&self.listener).is_some()
    }

    /// Accepts a connection, if one is pending and the proxy listens.
    pub(super) fn accept(&self) -> Option<TcpStream> {
        let listener = lock(&self.listener);
        listener.as_ref()?.accept().ok().map(|(stream, _)| stream)
    }

    pub(super) fn add(&self, connection: &Arc<Connection>) {
        let mut connections = lock(&self.connections);
        connections.retain(|known| known.strong_count() > 0);
        connections.push(Arc::downgrade(connection));
    }

    pub(super) fn open_connections(&self) -> usize {
        lock(&self.connections).iter().filter_map(Weak::upgrade).filter(|known| !known.is_over()).count()
    }

    pub(super) fn drop_connections(&self) {
        let connections: Vec<_> = lock(&self.connections).drain(..).filter_map(|known| known.upgrade()).collect();
        connections.iter().for_each(|known| known.end(Action::Reset));
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.close();
        self.drop_connections();
        self.changed.notify_all();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Both ends of one proxied connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
    over: AtomicBool,
    /// What happens with the server's next bytes.
    pub(super) action_at_response: Mutex<Option<Action>>,
}

impl Connection {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Self {
        Self { client, server, over: AtomicBool::new(false), action_at_response: Mutex::new(None) }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self, action: Action) {
        if matches!(action, Action::BlackHole | Action::Hold) {
            return;
        }
        // First: the threads that wake up below must not forward the end as an orderly one.
        self.over.store(true, Ordering::SeqCst);
        match action {
            Action::BlackHole | Action::Hold => {}
            // Closing the last copy of a socket with a linger time of zero sends RST. Shutting down its reading half
            // wakes the thread that holds a copy.
            Action::Reset => {
                for socket in [&self.client, &self.server] {
                    let _ = set_socket_linger(socket, Some(Duration::ZERO));
                    let _ = socket.shutdown(Shutdown::Read);
                }
            }
            Action::Close => {
                for socket in [&self.client, &self.server] {
                    let _ = socket.shutdown(Shutdown::Both);
                }
            }
        }
    }
}
