//! Many threads over one chip, in virtual time: nobody starves, and no byte changes its place.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

#[path = "../link/nina.rs"]
mod nina;
#[path = "../link/rig.rs"]
mod rig;

use core::time::Duration;
use std::sync::Arc;

use net::link::NetlinkExt;
use net::netdev::Platform;
use net::{Connection, Instant, TcpConn};
use netdev_sim::{Task, VirtualClock};
use wifinina_sim::Config;

use nina::{HOME, Nina};

/// Connections at a time.
const MANY: usize = 8;
/// The longest that one of them may go without a byte while the others are busy.
const STARVED: Duration = Duration::from_millis(100);

/// A chip in its network.
fn joined() -> Nina {
    let nina = Nina::new(Config::default());
    nina.device.net_connect(&HOME).unwrap();
    nina
}

/// A connection from the chip to the peer, both ends.
fn pair(nina: &Nina, listener: &net::TcpListener) -> (Arc<TcpConn>, Arc<TcpConn>) {
    let port = listener.addr().unwrap().socket_addr().unwrap().port();
    let conn = net::dial_on(nina.device, "tcp", &format!("10.0.0.2:{port}"));
    let Ok(Connection::Tcp(conn)) = conn else { panic!("no connection") };
    (Arc::new(conn), Arc::new(listener.accept().unwrap()))
}

/// The longest pause between two signs of life.
struct Pulse {
    last: Instant,
    longest: Duration,
    count: usize,
}

impl Pulse {
    fn new(now: Instant) -> Self {
        Self { last: now, longest: Duration::ZERO, count: 0 }
    }

    fn beat(&mut self, now: Instant) {
        self.longest = self.longest.max(now.saturating_since(self.last));
        self.last = now;
        self.count += 1;
    }
}

/// Writes pieces until `end`, each with its number in every byte, and tells the longest pause.
fn write_until(conn: &TcpConn, clock: &VirtualClock, piece: usize, end: Instant) -> Pulse {
    let mut pulse = Pulse::new(clock.now());
    let mut number = 0_u8;
    while clock.now() < end {
        conn.write(&vec![number; piece]).unwrap();
        number = number.wrapping_add(1);
        pulse.beat(clock.now());
    }
    pulse
}

/// Reads until the end, and tells the longest pause.
fn read_until(conn: &TcpConn, clock: &VirtualClock, end: Instant) -> Pulse {
    let mut pulse = Pulse::new(clock.now());
    let mut buf = vec![0; 1460];
    while clock.now() < end && conn.read(&mut buf).unwrap() > 0 {
        pulse.beat(clock.now());
    }
    pulse
}

/// The other ends: they take whatever comes, check it, and always have something to say.
fn peers(conns: &[Arc<TcpConn>], clock: &VirtualClock, piece: usize, end: Instant) {
    let mut at = vec![0_usize; conns.len()];
    let mut buf = vec![0; 4096];
    // They go on for longer than ours, so that nobody waits for them.
    while clock.now() < end + Duration::from_millis(200) {
        for (conn, at) in conns.iter().zip(&mut at) {
            while let Ok(count) = conn.try_read(&mut buf) {
                for byte in &buf[..count] {
                    assert_eq!(usize::from(*byte), *at / piece % 256, "at {at}");
                    *at += 1;
                }
                if count == 0 {
                    break;
                }
            }
            let _ = conn.try_write(&[7; 500]);
        }
        clock.idle(clock.now() + Duration::from_millis(2));
    }
}

/// Every connection writes and reads at once; what each of them did.
fn busy(piece: usize, time: Duration) -> Vec<(Pulse, Pulse)> {
    let nina = joined();
    let clock = nina.world.clock.clone();
    let _turn = clock.register();
    let listener = net::listen_on(nina.world.peer, "tcp", ":7").unwrap();
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..MANY).map(|_| pair(&nina, &listener)).unzip();
    let end = clock.now() + time;
    let of_peers = {
        let clock_of = clock.clone();
        clock.spawn(move || peers(&theirs, &clock_of, piece, end))
    };
    let tasks: Vec<_> = ours
        .iter()
        .map(|conn| {
            let (a, b) = (Arc::clone(conn), Arc::clone(conn));
            let (for_a, for_b) = (clock.clone(), clock.clone());
            let writer = clock.spawn(move || write_until(&a, &for_a, piece, end));
            (writer, clock.spawn(move || read_until(&b, &for_b, end)))
        })
        .collect();
    let join = |(writer, reader): (Task<Pulse>, Task<Pulse>)| {
        (writer.join().unwrap(), reader.join().unwrap())
    };
    let all = tasks.into_iter().map(join).collect();
    of_peers.join().unwrap();
    all
}

#[test]
fn eight_busy_connections_on_one_chip_all_go_on() {
    for piece in [64, 1000] {
        let all = busy(piece, Duration::from_millis(500));
        for (at, (writer, reader)) in all.iter().enumerate() {
            eprintln!(
                "{piece} bytes, {at}: wrote {} longest {:?}, read {} longest {:?}",
                writer.count, writer.longest, reader.count, reader.longest
            );
        }
        for (writer, reader) in &all {
            assert!(writer.longest <= STARVED && reader.longest <= STARVED);
        }
    }
}

#[test]
fn any_number_of_readers_and_writers_share_a_connection() {
    const BLOCK: usize = 3000;
    let nina = joined();
    let clock = nina.world.clock.clone();
    let _turn = clock.register();
    let listener = net::listen_on(nina.world.peer, "tcp", ":7").unwrap();
    let (ours, theirs) = pair(&nina, &listener);
    let writers = [b'a', b'b', b'c', b'd'].map(|letter| {
        let conn = Arc::clone(&ours);
        clock.spawn(move || (0..8).for_each(|_| _ = conn.write(&vec![letter; BLOCK]).unwrap()))
    });
    let readers = [(); 4].map(|()| {
        let conn = Arc::clone(&ours);
        clock.spawn(move || {
            let (mut total, mut buf) = (0, [0; 700]);
            // The last of them wait for more until somebody closes.
            while let Ok(count) = conn.read(&mut buf) {
                total += count;
            }
            total
        })
    });
    let peer = clock.spawn(move || {
        theirs.write(&vec![7; 20_000]).unwrap();
        let mut all = vec![0; 4 * 8 * BLOCK];
        let mut have = 0;
        while have < all.len() {
            have += theirs.read(&mut all[have..]).unwrap();
        }
        (all, theirs)
    });
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let (all, _theirs) = peer.join().unwrap();
    assert!(all.chunks(BLOCK).all(|block| block.iter().all(|byte| *byte == block[0])));
    clock.idle(clock.now() + Duration::from_millis(500));
    ours.close().unwrap();
    assert_eq!(readers.into_iter().map(|reader| reader.join().unwrap()).sum::<usize>(), 20_000);
}

#[test]
fn closing_or_a_deadline_from_elsewhere_ends_everybody() {
    let nina = joined();
    let clock = nina.world.clock.clone();
    let _turn = clock.register();
    let listener = net::listen_on(nina.world.peer, "tcp", ":7").unwrap();
    for close in [true, false] {
        let (ours, theirs) = pair(&nina, &listener);
        let readers = [(); 3].map(|()| {
            let conn = Arc::clone(&ours);
            clock.spawn(move || conn.read(&mut [0; 8]).unwrap_err())
        });
        // The peer does not read: after a while nothing more is taken.
        let writers = [(); 3].map(|()| {
            let conn = Arc::clone(&ours);
            clock.spawn(move || conn.write(&vec![1; 200_000]).unwrap_err().error)
        });
        clock.idle(clock.now() + Duration::from_secs(3));
        let moment = clock.now();
        if close {
            ours.close().unwrap();
        } else {
            ours.set_deadline(Some(Instant::START)).unwrap();
        }
        for task in readers.into_iter().chain(writers) {
            let error = task.join().unwrap();
            assert!(error.is_closed() == close && error.timeout() != close, "{error}");
        }
        let took = clock.now().saturating_since(moment);
        assert!(took <= STARVED, "{took:?}");
        drop(theirs);
    }
}
