//! Well-behaved clients: each asks, waits for its answer, rests a moment, and asks again on the same connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::arena::Arena;

/// How long one rests between two requests.
const REST_MILLIS: u64 = 50;
/// How long an answer may take.
const PATIENCE_SECONDS: u64 = 10;

/// What the good clients saw.
#[derive(Debug, Default)]
pub(super) struct Figures {
    micros: Vec<u64>,
    pub(super) failed: usize,
}

/// The good clients.
#[derive(Debug)]
pub(super) struct GoodClients {
    figures: Arc<Mutex<Figures>>,
    stopped: Arc<AtomicBool>,
}

impl Figures {
    pub(super) fn answered(&self) -> usize {
        self.micros.len()
    }

    /// What 99 of 100 answers took at most.
    pub(super) fn p99_micros(&self) -> u64 {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl GoodClients {
    /// Starts so many.
    pub(super) fn start(arena: &Arena, count: usize) -> Self {
        let (figures, stopped) = (Arc::<Mutex<Figures>>::default(), Arc::<AtomicBool>::default());
        let request = arena.good_request(&arena.mine.key).bytes();
        let address = arena.home();
        for _ in 0..count {
            let (figures, stopped, request) = (figures.clone(), stopped.clone(), request.clone());
            tokio::spawn(async move {
                let mut connection = None;
                while !stopped.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let limit = Duration::from_secs(PATIENCE_SECONDS);
                    let asked = tokio::time::timeout(limit, ask(&mut connection, address, &request)).await;
                    let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                    {
                        let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
                        match asked {
                            Ok(true) => figures.micros.push(took),
                            Ok(false) | Err(_) => figures.failed += 1,
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(REST_MILLIS)).await;
                }
            });
        }
        Self { figures, stopped }
    }

    /// What they saw since the last look.
    pub(super) fn take(&self) -> Figures {
        std::mem::take(&mut *self.figures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends them home.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

async fn ask(connection: &mut Option<TcpStream>, address: std::net::SocketAddr, request: &[u8]) -> bool {
    if connection.is_none() {
        *connection = TcpStream::connect(address).await.ok();
    }
    let Some(stream) = connection else { return false };
    let answered = async {
        stream.write_all(request).await.ok()?;
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok()?;
        Some(buffer[..count].starts_with(b"HTTP/1.1 200"))
    };
    let answered = answered.await;
    if answered != Some(true) {
        *connection = None;
    }
    answered == Some(true)
}
