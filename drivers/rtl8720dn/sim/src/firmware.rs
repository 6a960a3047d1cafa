//! From a message to what becomes of it: the services behind the server task.

use core::time::Duration;

use netdev::Instant;
use netdev_sim::Stack;

use crate::callback::{Callbacks, Event};
use crate::codec::{Args, Header, INVOCATION, ONEWAY, Out, REPLY, Reader, Refusal, VERSION};
use crate::config::Config;
use crate::idl::{
    self, Found, Method, SYSTEM, WIFI_DRV, WIFI_LWIP, WIFI_MBEDTLS, WIFI_MDNS, WIFI_TCPIP,
};
use crate::knobs::Knobs;
use crate::lwip::Lwip;
use crate::mbedtls::{Tls, TlsPeer};
use crate::mdns::Mdns;
use crate::monitor::{Monitor, Order};
use crate::persona::Persona;
use crate::wait::{Step, Wait};
use crate::wifi::{IpInfo, Wifi};

/// Everything that the firmware remembers.
pub(crate) struct Firmware {
    pub(crate) persona: &'static Persona,
    pub(crate) lwip: Lwip,
    pub(crate) wifi: Wifi,
    pub(crate) callbacks: Callbacks,
    pub(crate) knobs: Knobs,
    pub(crate) tls: Tls,
    pub(crate) mdns: Mdns,
    pub(crate) monitor: Monitor,
    pub(crate) setup: Setup,
    /// Names that a callback will tell.
    pub(crate) lookups: Vec<PendingName>,
    pub(crate) truncate_addresses: bool,
    /// What is said only after the reply.
    pub(crate) late_events: Vec<Event>,
    /// The sockets were looked at then.
    looked: Instant,
}

/// A name that `dns_gethostbyname_addrtype` asked for.
#[derive(Debug)]
pub(crate) struct PendingName {
    pub(crate) name: String,
    pub(crate) arg: Option<Vec<u8>>,
    pub(crate) until: Instant,
}

/// The part of [`Config`] that the handlers need.
pub(crate) struct Setup {
    pub(crate) mac: [u8; 6],
    pub(crate) radio: Duration,
    pub(crate) association: Duration,
    pub(crate) failed_join: Duration,
    pub(crate) dhcp: Duration,
    pub(crate) dhcp_limit: Duration,
    pub(crate) access_point_start: Duration,
    pub(crate) lookup_limit: Duration,
    pub(crate) look: Duration,
    pub(crate) late_connected_event: bool,
    pub(crate) tls: TlsPeer,
}

/// What a message leads to.
pub(crate) enum Dispatch {
    /// A call: whether it wants a reply, and how it goes on.
    Call { header: Header, method: &'static Method, step: Step },
    /// Nothing, for a reason that a trace tells.
    Dropped(String),
}

impl Firmware {
    pub(crate) fn new(config: &Config, stack: Box<dyn Stack>, monitor: Monitor) -> Self {
        let persona = config.persona;
        let lease = IpInfo::leased(stack.addr(), config.network);
        let mut pingable = config.pingable.clone();
        pingable.push((lease.gateway, Duration::from_millis(1)));
        Self {
            persona,
            lwip: Lwip::new(stack, config.connect_limit, pingable, monitor.clone()),
            wifi: Wifi::new(config, lease),
            callbacks: Callbacks::new(persona.callback_service, config.event_garbage),
            knobs: Knobs::default(),
            tls: Tls::default(),
            mdns: Mdns::default(),
            monitor,
            lookups: Vec::new(),
            truncate_addresses: config.faults.truncate_addresses,
            late_events: Vec::new(),
            looked: Instant::START,
            setup: Setup {
                mac: config.mac,
                radio: config.radio,
                association: config.association,
                failed_join: config.failed_join,
                dhcp: config.dhcp,
                dhcp_limit: config.dhcp_limit,
                access_point_start: config.access_point_start,
                lookup_limit: config.lookup_limit,
                look: config.look,
                late_connected_event: config.late_connected_event,
                tls: config.tls.clone(),
            },
        }
    }

    /// Everything is as after a boot, except the world outside.
    pub(crate) fn reset(&mut self) {
        self.lwip.reset();
        self.wifi.reset();
        self.callbacks.reset();
        self.knobs = Knobs::default();
        self.tls = Tls::default();
        self.mdns = Mdns::default();
        self.lookups.clear();
        self.late_events.clear();
    }

    /// Reads a message and carries it out.
    pub(crate) fn dispatch(&mut self, message: &[u8], now: Instant) -> Dispatch {
        let header = Header::read(message);
        if message.len() < crate::codec::HEADER {
            self.monitor.count(|c| c.short_messages += 1);
        }
        let dropped = |text: String| Dispatch::Dropped(text);
        if header.version != VERSION {
            self.monitor.count(|c| c.bad_versions += 1);
            return dropped(format!("codec version {}: dropped", header.version));
        }
        match header.kind {
            INVOCATION | ONEWAY => self.call(header, message, now),
            REPLY => {
                let fits = self.callbacks.take_reply(header);
                self.monitor.count(|c| {
                    c.callback_replies += u64::from(fits);
                    c.stray_replies += u64::from(!fits);
                });
                let what = if fits { "taken" } else { "matches nothing, dropped" };
                dropped(format!("reply to {}: {what}", header.sequence))
            }
            kind => {
                self.monitor.count(|c| c.bad_types += 1);
                dropped(format!("message type {kind}: dropped"))
            }
        }
    }

    fn call(&mut self, header: Header, message: &[u8], now: Instant) -> Dispatch {
        let (service, id) = (header.service, header.method);
        let method = match idl::find(self.persona, service, id) {
            Found::Method(method) => method,
            Found::UnknownMethod => {
                self.monitor.count(|c| c.unknown_methods += 1);
                return Dispatch::Dropped(format!("service {service} has no method {id}: dropped"));
            }
            Found::UnknownService => {
                self.monitor.count(|c| c.unknown_services += 1);
                return Dispatch::Dropped(format!("no service {service}: dropped"));
            }
            Found::NotModelled => {
                self.monitor.count(|c| c.not_modelled += 1);
                return Dispatch::Dropped(format!("service {service} is not modelled"));
            }
        };
        let mut reader = Reader::new(message);
        let args = Args::read(&mut reader, method.request);
        let (missing, left) = (reader.missing(), reader.left());
        self.monitor.count(|c| {
            c.calls += 1;
            c.missing_arguments += u64::from(missing > 0);
            c.trailing_bytes += u64::try_from(left).unwrap_or(0);
        });
        let step = match args {
            Ok(args) => self.run(service, id, &args, now),
            Err(Refusal::Garbled) => {
                self.monitor.count(|c| c.garbled_arguments += 1);
                Step::Silence
            }
            Err(Refusal::EmptyBin) => {
                self.monitor.count(|c| c.empty_bins += 1);
                Step::Dead
            }
        };
        Dispatch::Call { header, method, step }
    }

    fn run(&mut self, service: u8, id: u8, args: &Args, now: Instant) -> Step {
        if self.callbacks.stalls_ip_task() && needs_ip_task(service, id) {
            return Step::Wait(Wait::IpTask);
        }
        self.look(now);
        let step = match service {
            SYSTEM if id == 1 => Out::default().bin(self.persona.version.as_bytes()).into(),
            SYSTEM => Out::default().u8(args.byte(0)).into(),
            WIFI_DRV => self.drv(id, args, now),
            WIFI_TCPIP => self.tcpip(id, args, now),
            WIFI_LWIP if matches!(id, 25 | 26) => self.names(id, args, now),
            WIFI_LWIP => self.lwip.call(id, args, now),
            WIFI_MBEDTLS => self.mbedtls(id, args, now),
            WIFI_MDNS => self.mdns(id, args, now),
            _ => Step::Silence,
        };
        self.settle();
        step
    }

    /// Goes on with a call that waits.
    pub(crate) fn resume(&mut self, wait: Wait, now: Instant) -> Step {
        self.look(now);
        let step = match wait {
            Wait::Join { credentials, until } => self.resume_join(credentials, until, now),
            Wait::Dhcp { until, answers } => self.resume_dhcp(until, answers, now),
            Wait::Lookup(lookup) => self.resume_lookup(lookup, now),
            Wait::Connect(s) => self.lwip.resume_connect(s),
            Wait::Accept(call) => self.lwip.resume_accept(call, now),
            Wait::Receive(call) => self.lwip.resume_receive(call, now),
            Wait::Send(call) => self.lwip.resume_send(call, now),
            Wait::Select(sets) => self.lwip.resume_select(sets, now),
            Wait::Available { s, until } => self.lwip.resume_available(s, now, until),
            Wait::Tls(start) => self.resume_tls(start, now),
            Wait::TlsSend(send) => self.resume_tls_send(send, now),
            Wait::Mdns(query) => self.resume_mdns(query, now),
            Wait::IpTask => Step::Wait(Wait::IpTask),
        };
        self.settle();
        step
    }

    /// The IP task looks at the sockets, unless it waits for the host.
    pub(crate) fn look(&mut self, now: Instant) {
        self.looked = self.looked.max(now);
        if self.callbacks.stalls_ip_task() {
            return;
        }
        self.lwip.poll(now);
        self.look_up(now);
    }

    /// Passes on what a handler has changed.
    fn settle(&mut self) {
        self.lwip.set_online(self.wifi.online());
        self.lwip.cuts_addresses = self.persona.cuts_addresses && self.truncate_addresses;
        for event in core::mem::take(&mut self.wifi.events) {
            self.callbacks.event(event);
        }
    }

    /// The reply is out.
    pub(crate) fn after_reply(&mut self) {
        self.wifi.events.append(&mut self.late_events);
        self.settle();
    }

    /// Something happens to the chip from outside. Reboot and halt are not its own affair.
    pub(crate) fn obey(&mut self, order: Order, now: Instant) {
        match order {
            Order::Vanish(ssid) => self.wifi.vanish(ssid.as_deref()),
            Order::Return(ssid) => self.wifi.come_back(ssid.as_deref(), now),
            Order::Dhcp(answers) => self.wifi.dhcp_answers = answers,
            Order::TruncateAddresses(on) => self.truncate_addresses = on,
            Order::Event(record) => self.callbacks.raw_event(&record, "by order"),
            Order::Callback => self.call_host(),
            Order::Station(there) => self.wifi.set_station(there),
            Order::Reboot | Order::Halt => {}
        }
        self.settle();
    }

    /// An event that means nothing.
    pub(crate) fn say_something(&mut self) {
        self.callbacks.event(Event::WIFI_READY);
    }

    /// A two-way callback that nobody asked for.
    pub(crate) fn call_host(&mut self) {
        self.callbacks.dns_found("unasked.test", self.lwip.addr(), None);
    }

    /// Lets happen what was due by `now`.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.wifi.advance(now);
        if self.next_look().is_some_and(|at| at <= now) {
            self.look(now);
        }
        self.settle();
    }

    /// The earliest moment at which something may happen by itself.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        [self.wifi.next_event(), self.next_look()].into_iter().flatten().min()
    }

    fn next_look(&self) -> Option<Instant> {
        let stalled = self.callbacks.stalls_ip_task();
        let busy = (self.lwip.is_busy() && self.wifi.online()) || !self.lookups.is_empty();
        (busy && !stalled).then(|| self.looked + self.setup.look * 4)
    }
}

/// Whether a call goes through the IP task. Looking at what has arrived does not.
fn needs_ip_task(service: u8, id: u8) -> bool {
    match service {
        WIFI_LWIP => !matches!(id, 11..=14 | 21 | 23 | 24),
        WIFI_TCPIP => matches!(id, 2..=6 | 8 | 11..=14 | 19..=35),
        WIFI_MBEDTLS => matches!(id, 18 | 19 | 21),
        _ => false,
    }
}
