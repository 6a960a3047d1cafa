//! Virtual time, alone and with threads. Nothing here sleeps.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use netdev::{Instant, Platform};
use netdev_sim::VirtualClock;

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn an_hour_passes_in_no_time() {
    let real = std::time::Instant::now();
    let clock = VirtualClock::new();
    while clock.now() < at(3_600_000_000) {
        clock.idle(clock.now() + Duration::from_millis(10));
    }
    assert_eq!(clock.now(), at(3_600_000_000));
    assert!(real.elapsed() < Duration::from_secs(10), "{:?}", real.elapsed());
}

#[test]
fn bits_of_a_fast_bus_add_up() {
    let clock = VirtualClock::new();
    for _ in 0..10 {
        clock.spend(Duration::from_nanos(400));
    }
    assert_eq!(clock.now(), at(4));
}

#[test]
fn idling_until_the_past_takes_a_microsecond() {
    let clock = VirtualClock::new();
    clock.idle(Instant::START);
    assert_eq!(clock.now(), at(1));
}

#[test]
fn two_registered_threads_take_turns_in_the_order_of_their_moments() {
    for _ in 0..50 {
        let clock = VirtualClock::new();
        let _registered = clock.register();
        let log = Arc::new(Mutex::new(Vec::new()));
        let tasks = [3_000_u64, 5_000].map(|period| {
            let (clock, log) = (clock.clone(), log.clone());
            clock.clone().spawn(move || {
                for turn in 1..=5 {
                    clock.idle(at(period * turn));
                    assert_eq!(clock.now(), at(period * turn));
                    log.lock().unwrap().push((clock.now().as_micros(), period));
                }
            })
        });
        for task in tasks {
            task.join().unwrap();
        }
        assert_eq!(clock.now(), at(25_000));
        let expected = [
            (3_000, 3_000),
            (5_000, 5_000),
            (6_000, 3_000),
            (9_000, 3_000),
            (10_000, 5_000),
            (12_000, 3_000),
            // Both are due: the one that began to wait first goes first.
            (15_000, 5_000),
            (15_000, 3_000),
            (20_000, 5_000),
            (25_000, 5_000),
        ];
        assert_eq!(*log.lock().unwrap(), expected);
    }
}

#[test]
fn time_stands_still_while_a_registered_thread_computes() {
    let clock = VirtualClock::new();
    let _registered = clock.register();
    let other = clock.clone();
    let task = clock.spawn(move || other.idle(at(1_000)));
    for _ in 0..100_000 {
        assert_eq!(clock.now(), Instant::START);
    }
    task.join().unwrap();
    assert_eq!(clock.now(), at(1_000));
}

#[test]
fn a_registered_thread_that_panics_lets_time_go_on() {
    let clock = VirtualClock::new();
    let task = clock.spawn(|| panic!("on purpose"));
    let mine = clock.register();
    clock.idle(at(5));
    assert_eq!(clock.now(), at(5));
    assert!(task.join().is_err());
    drop(mine);
    clock.idle(at(6));
    assert_eq!(clock.now(), at(6));
}

#[test]
fn registering_may_be_nested() {
    let clock = VirtualClock::new();
    let outer = clock.register();
    drop(clock.register());
    let other = clock.clone();
    let task = clock.spawn(move || other.idle(at(9)));
    assert_eq!(clock.now(), Instant::START, "still registered");
    drop(outer);
    task.join().unwrap();
    assert_eq!(clock.now(), at(9));
}

#[test]
fn who_is_away_holds_nobody_up() {
    let clock = VirtualClock::new();
    let _registered = clock.register();
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = clock.clone();
    let task = clock.spawn(move || {
        other.idle(at(70));
        sender.send(other.now()).unwrap();
        other.idle(at(80));
    });
    assert_eq!(clock.away(|| receiver.recv()), Ok(at(70)));
    task.join().unwrap();
    assert_eq!(clock.now(), at(80));
}

#[test]
fn a_thread_that_is_not_registered_counts_only_while_it_waits() {
    let clock = VirtualClock::new();
    let other = clock.clone();
    std::thread::spawn(move || other.idle(at(40))).join().unwrap();
    assert_eq!(clock.now(), at(40));
}

#[test]
fn joining_a_task_that_has_ended_takes_no_time() {
    let clock = VirtualClock::new();
    let _registered = clock.register();
    let task = clock.spawn(|| 7);
    clock.idle(at(100));
    assert_eq!(task.join().unwrap(), 7);
    assert_eq!(clock.now(), at(100));
}

#[test]
fn an_alarm_wakes_those_who_listen_and_nobody_else() {
    let clock = VirtualClock::new();
    clock.set_alarm(at(300));
    clock.idle(at(200));
    let alarmed = clock.with_alarms();
    alarmed.idle(at(10_000));
    assert_eq!(clock.now(), at(300));
    alarmed.idle(at(10_000));
    assert_eq!(clock.now(), at(10_000), "an alarm rings once");
    clock.set_alarm(at(11_000));
    clock.idle(at(12_000));
    assert_eq!(clock.now(), at(12_000));
}

#[test]
fn an_alarm_wakes_all_listeners_at_its_moment() {
    let clock = VirtualClock::new();
    let _registered = clock.register();
    let tasks = [(); 3].map(|()| {
        let alarmed = clock.with_alarms();
        clock.spawn(move || {
            alarmed.idle(at(50_000));
            alarmed.now()
        })
    });
    clock.idle(at(10));
    clock.set_alarm(Instant::START);
    for task in tasks {
        assert_eq!(task.join().unwrap(), at(10));
    }
}

#[test]
fn wall_time_and_random_numbers_repeat() {
    let numbers = |clock: &VirtualClock| {
        let mut numbers = [0; 13];
        clock.fill_random(&mut numbers).unwrap();
        numbers
    };
    let (one, two) = (VirtualClock::with_seed(7), VirtualClock::with_seed(7));
    assert_eq!(numbers(&one), numbers(&two));
    assert_ne!(numbers(&one), numbers(&VirtualClock::with_seed(8)));
    one.idle(at(90_000_000));
    assert_eq!(one.unix_time(), two.unix_time().map(|start| start + 90));
}
