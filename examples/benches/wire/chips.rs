//! The chips at serial lines, and what is expected of their drivers.

use core::time::Duration;

use espat::Espat;
use netdev::Netdev;
use netdev_sim::{Internet, UartBench, VirtualClock};
use rtl8720dn::Rtl8720dn;

use crate::lab::CHIP;
use crate::uart::{Case, Goals};

/// One after the other. Latencies are those of the firmwares as they come; the rings are one that
/// suits and one that is small.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "espat 115200",
        baud: 115_200,
        latency: Duration::from_millis(1),
        ring: 2048,
        make: espat,
        goals: Goals {
            bytes: [1_100.0, 1_085.0],
            turns: [2.0, 1.0],
            shares: [95.0, 93.0],
            hello: 35.0,
            idle: 0.0,
        },
    },
    Case {
        name: "espat 115200, ring of 256",
        baud: 115_200,
        latency: Duration::from_millis(1),
        ring: 256,
        make: espat,
        goals: Goals {
            bytes: [1_100.0, 1_500.0],
            turns: [2.0, 8.0],
            shares: [95.0, 60.0],
            hello: 35.0,
            idle: 0.0,
        },
    },
    Case {
        name: "espat 921600",
        baud: 921_600,
        latency: Duration::from_millis(1),
        ring: 2048,
        make: espat,
        goals: Goals {
            bytes: [1_100.0, 1_085.0],
            turns: [2.0, 1.0],
            shares: [90.0, 90.0],
            hello: 8.0,
            idle: 0.0,
        },
    },
    Case {
        name: "rtl8720dn 614400",
        baud: 614_400,
        latency: Duration::from_micros(200),
        ring: 2048,
        make: rtl8720dn,
        goals: Goals {
            bytes: [1_080.0, 1_090.0],
            turns: [1.0, 1.0],
            shares: [95.0, 93.0],
            hello: 12.0,
            idle: 3_000.0,
        },
    },
    Case {
        name: "rtl8720dn 614400, ring of 256",
        baud: 614_400,
        latency: Duration::from_micros(200),
        ring: 256,
        make: rtl8720dn,
        goals: Goals {
            bytes: [1_080.0, 1_600.0],
            turns: [1.0, 11.0],
            shares: [95.0, 50.0],
            hello: 12.0,
            idle: 3_000.0,
        },
    },
];

fn espat(
    case: &Case,
    internet: &Internet,
    clock: &VirtualClock,
) -> (UartBench, &'static dyn Netdev) {
    let mut config = espat_sim::Config::default();
    (config.latency, config.baud) = (case.latency, case.baud);
    let modem = espat_sim::Modem::new(config, Box::new(internet.node(CHIP)));
    let bench = UartBench::new(modem, clock.clone(), case.baud);
    let link = bench.link(case.ring);
    let state = Box::leak(Box::new(espat::State::<_>::new(link).at_baud(case.baud)));
    (bench, Box::leak(Box::new(Espat::new(state, clock.with_alarms()))))
}

fn rtl8720dn(
    case: &Case,
    internet: &Internet,
    clock: &VirtualClock,
) -> (UartBench, &'static dyn Netdev) {
    let mut config = rtl8720dn_sim::Config::default();
    config.call = case.latency;
    let chip = rtl8720dn_sim::Chip::new(config, Box::new(internet.node(CHIP)));
    let bench = UartBench::new(chip, clock.clone(), case.baud);
    let state = Box::leak(Box::new(rtl8720dn::State::<_>::new(bench.link(case.ring))));
    (bench, Box::leak(Box::new(Rtl8720dn::new(state, clock.with_alarms()))))
}
