//! A proxy that counts round trips to a server, delays them, and can switch to another server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Accepts connections on its port until the process ends.
#[derive(Debug)]
pub(crate) struct Wire {
    port: u16,
    line: Arc<Line>,
}

#[derive(Debug)]
struct Line {
    server: AtomicU16,
    delay: AtomicU64,
    trips: AtomicUsize,
    swallowed: Mutex<Option<&'static str>>,
    cut: Mutex<Option<&'static str>>,
    watched: Mutex<(Option<&'static str>, Vec<Instant>)>,
}

impl Wire {
    /// Starts a proxy to this port on the loopback interface.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Line {
            server: AtomicU16::new(server),
            delay: AtomicU64::new(0),
            trips: AtomicUsize::new(0),
            swallowed: Mutex::new(None),
            cut: Mutex::new(None),
            watched: Mutex::default(),
        });
        let accepting = Arc::clone(&line);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let server = accepting.server.load(Ordering::Relaxed);
                let Ok(far) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                accepting.join(&near, &far);
            }
        });
        Self { port, line }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Delays each round trip by this time, half of it in each direction.
    pub(crate) fn delay(&self, trip: Duration) {
        let micros = u64::try_from(trip.as_micros()).unwrap() / 2;
        self.line.delay.store(micros, Ordering::Relaxed);
    }

    /// Connects later clients to another server.
    pub(crate) fn lead_to(&self, server: u16) {
        self.line.server.store(server, Ordering::Relaxed);
    }

    /// Drops chunks of bytes on their way to the server that contain this text.
    pub(crate) fn swallow(&self, text: Option<&'static str>) {
        *self.line.swallowed.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Closes the connection instead of returning the response to the next request with this text.
    pub(crate) fn cut_after(&self, text: &'static str) {
        *self.line.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Records the times of later requests with this text.
    pub(crate) fn watch(&self, text: &'static str) {
        *self.line.watched.lock().unwrap_or_else(PoisonError::into_inner) =
            (Some(text), Vec::new());
    }

    /// The times of requests with the text given to [`Wire::watch`].
    pub(crate) fn watched(&self) -> Vec<Instant> {
        self.line.watched.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The number of round trips: a request after a response begins one.
    pub(crate) fn trips(&self) -> usize {
        self.line.trips.load(Ordering::Relaxed)
    }
}

impl Line {
    fn join(self: &Arc<Self>, near: &TcpStream, far: &TcpStream) {
        for stream in [near, far] {
            stream.set_nodelay(true).unwrap();
        }
        let was_request = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::new(AtomicBool::new(false));
        self.carry(near, far, [&was_request, &is_cut], true);
        self.carry(far, near, [&was_request, &is_cut], false);
    }

    fn carry(
        self: &Arc<Self>,
        from: &TcpStream,
        to: &TcpStream,
        flags: [&Arc<AtomicBool>; 2],
        is_request: bool,
    ) {
        let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
        let (line, [was_request, is_cut]) = (Arc::clone(self), flags.map(Arc::clone));
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                let bytes = &buffer[..length];
                if was_request.swap(is_request, Ordering::Relaxed) != is_request && is_request {
                    line.trips.fetch_add(1, Ordering::Relaxed);
                }
                if is_request && line.loses(bytes) {
                    continue;
                }
                if is_request && line.cuts_after(bytes) {
                    is_cut.store(true, Ordering::Release);
                }
                if is_request {
                    line.note(bytes);
                }
                if !is_request && is_cut.load(Ordering::Acquire) {
                    break;
                }
                let delay = Duration::from_micros(line.delay.load(Ordering::Relaxed));
                if sender.send((Instant::now() + delay, bytes.to_vec())).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            for (due, bytes) in receiver {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if to.write_all(&bytes).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }

    fn loses(&self, bytes: &[u8]) -> bool {
        let swallowed = self.swallowed.lock().unwrap_or_else(PoisonError::into_inner);
        swallowed.is_some_and(|text| contains(bytes, text))
    }

    fn note(&self, bytes: &[u8]) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.0.is_some_and(|text| contains(bytes, text)) {
            watched.1.push(Instant::now());
        }
    }

    fn cuts_after(&self, bytes: &[u8]) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        cut.take_if(|text| contains(bytes, text)).is_some()
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}
