//! Pipes, in virtual time, with a thread at each end.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use core::net::Ipv4Addr;
use core::time::Duration;

use net::netdev::Platform;
use net::{Cause, Instant, Op, Pipe, PipeEnd};
use netdev_sim::{Internet, SimDevice, VirtualClock};

struct World {
    clock: VirtualClock,
    ours: PipeEnd<'static>,
    theirs: PipeEnd<'static>,
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let device = SimDevice::on(&internet, Ipv4Addr::new(10, 0, 0, 1)).leak();
        let pipe: &'static mut Pipe = Box::leak(Box::new(Pipe::new(device)));
        let (ours, theirs) = pipe.ends();
        Self { clock, ours, theirs }
    }
}

fn after(clock: &VirtualClock, millis: u64) -> Option<Instant> {
    Some(clock.now() + Duration::from_millis(millis))
}

#[test]
fn a_write_ends_when_all_of_it_was_read_by_however_many_reads() {
    let World { clock, ours, theirs } = World::new();
    let _turn = clock.register();
    let data: Vec<u8> = (0..1000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let sent = data.clone();
    let writer = clock.spawn(move || (ours.write(&sent), ours));
    let mut all: Vec<u8> = Vec::new();
    let mut buf = [0; 300];
    for wanted in [300, 300, 300, 100] {
        assert_eq!(theirs.read(&mut buf), Ok(wanted), "one read takes all that one write has");
        all.extend_from_slice(&buf[..wanted]);
    }
    assert_eq!(writer.join().unwrap().0, Ok(1000));
    assert!(all == data);
}

#[test]
fn a_read_takes_from_one_write_only() {
    let World { clock, ours, theirs } = World::new();
    let _turn = clock.register();
    let writer = clock.spawn(move || {
        assert_eq!(ours.write(b"one"), Ok(3));
        assert_eq!(ours.write(b"two"), Ok(3));
        drop(ours);
    });
    let mut buf = [0; 8];
    assert_eq!((theirs.read(&mut buf), &buf[..3]), (Ok(3), &b"one"[..]));
    assert_eq!((theirs.read(&mut buf), &buf[..3]), (Ok(3), &b"two"[..]));
    assert_eq!(theirs.read(&mut buf), Ok(0), "dropping an end closes it");
    writer.join().unwrap();
}

#[test]
fn a_write_that_meets_its_deadline_tells_how_much_was_read() {
    let World { clock, ours, theirs } = World::new();
    let _turn = clock.register();
    ours.set_write_deadline(after(&clock, 500)).unwrap();
    let writer = clock.spawn(move || (ours.write(&[7; 1000]).unwrap_err(), ours));
    assert_eq!(theirs.read(&mut [0; 150]), Ok(150));
    let (error, ours) = writer.join().unwrap();
    assert_eq!(error.written, 150);
    assert_eq!(error.to_string(), "write pipe: i/o timeout");
    assert!(error.timeout());
    theirs.set_read_deadline(after(&clock, 100)).unwrap();
    let late = theirs.read(&mut [0; 1]).unwrap_err();
    assert_eq!((late.op, late.cause), (Op::Read, Cause::DeadlineExceeded));
    assert_eq!(late.to_string(), "read pipe: i/o timeout");
    ours.set_deadline(None).unwrap();
    theirs.set_deadline(None).unwrap();
    let reader = clock.spawn(move || theirs.read(&mut [0; 4]));
    assert_eq!(ours.write(b"next"), Ok(4), "the pipe goes on");
    assert_eq!(reader.join().unwrap(), Ok(4));
}

#[test]
fn closing_either_end_wakes_both() {
    for close_ours in [true, false] {
        let World { clock, ours, theirs } = World::new();
        let _turn = clock.register();
        let ours = std::sync::Arc::new(ours);
        let theirs = std::sync::Arc::new(theirs);
        let writer = {
            let ours = ours.clone();
            clock.spawn(move || ours.write(b"x").unwrap_err())
        };
        let reader = {
            let ours = ours.clone();
            clock.spawn(move || ours.read(&mut [0; 1]))
        };
        clock.idle(clock.now() + Duration::from_millis(50));
        if close_ours {
            ours.close().unwrap()
        } else {
            theirs.close().unwrap()
        }
        assert_eq!(writer.join().unwrap().error.cause, Cause::ClosedPipe);
        match reader.join().unwrap() {
            Ok(count) => assert!(count == 0 && !close_ours, "the peer's end is the end"),
            Err(error) => {
                assert!(close_ours);
                assert_eq!(error.to_string(), "io: read/write on closed pipe");
            }
        }
        let error = ours.set_deadline(None).unwrap_err();
        assert_eq!((error.op, error.cause), (Op::Set, Cause::ClosedPipe));
        assert_eq!((ours.close(), theirs.close()), (Ok(()), Ok(())));
    }
}

#[test]
fn trying_offers_bytes_until_they_were_read() {
    let World { clock: _, ours, theirs } = World::new();
    let mut buf = [0; 4];
    assert_eq!(theirs.try_read(&mut buf), Err(nb::Error::WouldBlock));
    assert_eq!(ours.try_write(b"hello"), Err(nb::Error::WouldBlock));
    assert_eq!(ours.try_write(b"other"), Err(nb::Error::WouldBlock), "not these bytes");
    assert_eq!((theirs.try_read(&mut buf), &buf), (Ok(4), b"hell"));
    assert_eq!(ours.try_write(b"hello"), Ok(4), "a part was read");
    assert_eq!(ours.try_write(b"o"), Err(nb::Error::WouldBlock));
    assert_eq!((theirs.try_read(&mut buf), buf[0]), (Ok(1), b'o'));
    assert_eq!(ours.try_write(b"o"), Ok(1));
    assert_eq!(theirs.try_read(&mut buf), Err(nb::Error::WouldBlock));
    ours.set_read_deadline(Some(Instant::START)).unwrap();
    let late = ours.try_read(&mut buf).unwrap_err();
    assert!(matches!(late, nb::Error::Other(error) if error.timeout()));
}

#[test]
fn lines_of_two_writers_stay_whole() {
    let World { clock, ours, theirs } = World::new();
    let _turn = clock.register();
    let ours = std::sync::Arc::new(ours);
    let writers = [b'a', b'b'].map(|letter| {
        let ours = ours.clone();
        clock.spawn(move || (0..10).for_each(|_| _ = ours.write(&[letter; 500]).unwrap()))
    });
    let reader = clock.spawn(move || {
        let mut all: Vec<u8> = Vec::new();
        let mut buf = [0; 333];
        while all.len() < 10_000 {
            let count = theirs.read(&mut buf).unwrap();
            all.extend_from_slice(&buf[..count]);
        }
        all
    });
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let all = reader.join().unwrap();
    assert!(all.chunks(500).all(|line| line.iter().all(|byte| *byte == line[0])));
}

#[test]
fn slices_pass_one_after_the_other() {
    let World { clock, ours, theirs } = World::new();
    let _turn = clock.register();
    let writer = clock.spawn(move || {
        let mut parts: [&[u8]; 3] = [b"ab", b"cde", b"f"];
        net::Buffers::new(&mut parts).write_to(&ours)
    });
    let counts = [(); 3].map(|()| theirs.read(&mut [0; 8]).unwrap());
    assert_eq!((counts, writer.join().unwrap()), ([2, 3, 1], Ok(6)));
}
