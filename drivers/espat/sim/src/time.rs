//! SNTP and the clock.

use core::time::Duration;

use netdev::Instant;

use crate::commands::{Answer, Call, Reply};
use crate::config::Config;
use crate::firmware::Firmware;
use crate::literals;
use crate::params::Refusal;

/// What the modem knows of the time.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The world's time at the platform's start, if there is a time server.
    world: Option<u64>,
    delay: Duration,
    on: bool,
    zone: i32,
    servers: Vec<String>,
    interval: u32,
    /// The next answer of a server.
    next: Option<Instant>,
    /// Seconds since 1970 at a moment.
    set: (u64, Instant),
}

impl Clock {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            world: config.unix_time,
            delay: config.sntp,
            on: false,
            zone: 8,
            servers: Vec::new(),
            interval: 3600,
            next: None,
            set: (0, Instant::START),
        }
    }

    pub(crate) fn stop(&mut self) {
        self.on = false;
        self.next = None;
        self.zone = 8;
        self.servers.clear();
        self.interval = 3600;
    }

    pub(crate) fn next_event(&self) -> Option<Instant> {
        self.next
    }

    fn unix(&self, now: Instant) -> u64 {
        let (base, at) = self.set;
        base.saturating_add(now.saturating_since(at).as_secs())
    }
}

impl Firmware {
    /// Whether a time server answered.
    pub(crate) fn poll_clock(&mut self) -> bool {
        let Some(at) = self.clock.next.filter(|at| *at <= self.now) else { return false };
        if !self.is_online() {
            self.clock.next = Some(self.now + RETRY);
            return false;
        }
        let world = self.clock.world.unwrap_or(0);
        let since_start = at.saturating_since(Instant::START).as_secs();
        self.clock.set = (world.saturating_add(since_start), at);
        self.clock.next = Some(at + Duration::from_secs(self.clock.interval.max(15).into()));
        if self.persona.tells_time {
            self.say_wifi(literals::TIME_UPDATED);
        }
        true
    }

    pub(crate) fn cipsntpcfg_query(&mut self, _: &mut Call<'_>) -> Answer {
        let zone = self.clock.zone;
        let mut line = format!("+CIPSNTPCFG:{},{zone}", u8::from(self.clock.on));
        if self.clock.on {
            for server in &self.clock.servers {
                line.push_str(&format!(",\"{server}\""));
            }
        }
        self.say_line(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsntpcfg(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        let zone: i32 = call.args.opt(-1200..=1400)?.unwrap_or(8);
        let mut servers = Vec::new();
        for _ in 0..3 {
            if let Some(name) = call.args.opt_text(1..=64)? {
                servers.push(String::from_utf8(name).map_err(|_| Refusal::VALUE)?);
            }
        }
        call.args.end()?;
        let quarters = zone.abs() >= 100 && matches!((zone % 100).abs(), 0 | 15 | 30 | 45);
        if !(-12..=14).contains(&zone) && !quarters {
            return Err(Refusal::VALUE);
        }
        if servers.is_empty() {
            servers = DEFAULT_SERVERS.map(str::to_owned).to_vec();
        }
        self.clock.on = on;
        self.clock.zone = zone;
        self.clock.servers = servers;
        let answers = on && self.clock.world.is_some();
        self.clock.next = answers.then(|| self.now + self.clock.delay);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsntptime_query(&mut self, _: &mut Call<'_>) -> Answer {
        let shift = match self.clock.zone {
            hours @ -12..=14 => i64::from(hours) * 3600,
            clock => i64::from(clock / 100) * 3600 + i64::from(clock % 100) * 60,
        };
        let text = asctime(self.clock.unix(self.now).saturating_add_signed(shift));
        self.say_info(&format!("+CIPSNTPTIME:{text}"));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsntpintv_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPSNTPINTV:{}", self.clock.interval));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsntpintv(&mut self, call: &mut Call<'_>) -> Answer {
        let interval = call.args.number(15..=4_294_967)?;
        call.args.end()?;
        self.clock.interval = interval;
        Ok(Reply::Ok)
    }

    pub(crate) fn systimestamp_query(&mut self, _: &mut Call<'_>) -> Answer {
        let unix = self.clock.unix(self.now);
        self.say_info(&format!("+SYSTIMESTAMP:{unix}"));
        Ok(Reply::Ok)
    }

    pub(crate) fn systimestamp(&mut self, call: &mut Call<'_>) -> Answer {
        let unix = call.args.number(0..=i64::from(u32::MAX))?;
        call.args.end()?;
        self.clock.set = (unix, self.now);
        Ok(Reply::Ok)
    }
}

/// `Tue Oct 19 17:47:56 2021`: C's `asctime` without the end of line.
fn asctime(unix: u64) -> String {
    let (days, seconds) = (unix / 86_400, unix % 86_400);
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's civil_from_days).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let name = |names: &[&'static str], index: u64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or("???")
    };
    let (weekday, month) = (name(&WEEKDAYS, (days + 4) % 7), name(&MONTHS, month));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

const RETRY: Duration = Duration::from_secs(1);
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DEFAULT_SERVERS: [&str; 3] = ["cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_c_writes_them() {
        assert_eq!(asctime(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(asctime(1_634_665_676), "Tue Oct 19 17:47:56 2021");
        assert_eq!(asctime(1_709_164_799), "Wed Feb 28 23:59:59 2024");
        assert_eq!(asctime(1_709_164_800), "Thu Feb 29 00:00:00 2024");
        assert_eq!(asctime(4_294_967_295), "Sun Feb  7 06:28:15 2106");
    }
}
