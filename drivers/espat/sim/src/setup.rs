//! The part of the configuration that handlers need.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::config::Config;
use crate::wifi::IpInfo;

pub(crate) struct Setup {
    pub(crate) latency: Duration,
    pub(crate) connect_limit: Duration,
    pub(crate) lookup_limit: Duration,
    pub(crate) scan: Duration,
    pub(crate) poll: Duration,
    pub(crate) fault_time: Duration,
    pub(crate) pingable: Vec<(Ipv4Addr, Duration)>,
    pub(crate) lease: IpInfo,
}

impl Setup {
    pub(crate) fn new(config: Config, addr: Ipv4Addr) -> Self {
        Self {
            latency: config.latency,
            connect_limit: config.connect_limit,
            lookup_limit: config.lookup_limit,
            scan: config.scan,
            poll: config.poll.max(Duration::from_micros(50)),
            fault_time: config.fault_time,
            pingable: config.pingable,
            lease: IpInfo::leased(addr, config.network),
        }
    }
}
