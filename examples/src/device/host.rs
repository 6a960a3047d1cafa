//! This PC's own sockets.

use netdev_host::HostDevice;

use super::url::{Place, Url};
use super::{Device, no_bus_here};
use crate::Failure;
use crate::options::Common;

pub(super) fn open(url: Url<'_>, options: &Common) -> Result<Device, Failure> {
    if url.place() != Place::Inside {
        return Err(url.refuse("host cannot be reached through something; leave it out"));
    }
    url.end("host takes no settings")?;
    no_bus_here(options, "the host device has none")?;
    let host: &'static HostDevice = Box::leak(Box::new(HostDevice::new()?));
    let counters = || {
        let stats = host.stats();
        vec![
            ("sockets open", stats.open),
            ("sockets opened", stats.opened),
            ("system polls", stats.polls),
        ]
    };
    Ok(Device { netdev: host, counters: Box::new(counters) })
}
