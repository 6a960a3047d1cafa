//! Basic commands: who is there, echo, restart, UART, logging.

use core::time::Duration;

use crate::commands::{Answer, COMMANDS, Call, Reply};
use crate::firmware::{Firmware, Restart};
use crate::literals;
use crate::params::Refusal;
use crate::settings::Uart;
use crate::worker::Job;

impl Firmware {
    /// Prints an information line that has no end of its own (protocol section 3.1); in 1.x it has.
    pub(crate) fn say_info(&mut self, text: &str) {
        if self.persona.is_old() {
            self.say_line(text);
        } else {
            self.say(text.as_bytes());
        }
    }

    pub(crate) fn at(&mut self, _: &mut Call<'_>) -> Answer {
        Ok(Reply::Ok)
    }

    pub(crate) fn echo_off(&mut self, _: &mut Call<'_>) -> Answer {
        self.ram.echo = false;
        Ok(Reply::Ok)
    }

    pub(crate) fn echo_on(&mut self, _: &mut Call<'_>) -> Answer {
        self.ram.echo = true;
        Ok(Reply::Ok)
    }

    pub(crate) fn gmr(&mut self, _: &mut Call<'_>) -> Answer {
        let it = self.persona;
        let built = match (it.core, it.chip) {
            ("", _) => "Jan 24 2022 08:56:02".to_owned(),
            (core, chip) => format!("{core} - {chip} - {}", compiled_date(it.compiled)),
        };
        self.say_line(&format!("AT version:{}({built})", it.version));
        self.say_line(&format!("SDK version:{}", it.sdk));
        self.say_line(it.compiled);
        self.say_line(it.image);
        Ok(Reply::Ok)
    }

    pub(crate) fn cmd_query(&mut self, _: &mut Call<'_>) -> Answer {
        let known = COMMANDS.iter().filter(|it| it.is_in(self));
        let rows: Vec<_> = known.map(|it| (it.name, it.forms(self))).collect();
        for (number, (name, [test, query, set, run])) in rows.into_iter().enumerate() {
            let plus = if matches!(name, "" | "E0" | "E1") { "" } else { "+" };
            self.say_line(&format!("+CMD:{number},\"AT{plus}{name}\",{test},{query},{set},{run}"));
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn rst(&mut self, call: &mut Call<'_>) -> Answer {
        // The set form is the download mode, for which there is nobody here.
        if call.args.opt::<u8>(0..=1)?.is_some_and(|mode| mode == 1) {
            self.monitor.count(|c| c.not_modelled += 1);
            return Err(Refusal::STATE);
        }
        call.args.end()?;
        self.say(literals::OK);
        Ok(Reply::Wait(self.restart_job()))
    }

    pub(crate) fn restore(&mut self, _: &mut Call<'_>) -> Answer {
        self.nvs.wipe();
        self.say(literals::OK);
        Ok(Reply::Wait(self.restart_job()))
    }

    pub(crate) fn gslp(&mut self, call: &mut Call<'_>) -> Answer {
        let millis: u64 = call.args.number(0..=i64::from(u32::MAX))?;
        call.args.end()?;
        self.say_line(&millis.to_string());
        self.say(literals::OK);
        let Job::Restart { limit, at, .. } = self.restart_job() else { return Ok(Reply::Said) };
        let sleep = (millis > 0).then(|| Duration::from_millis(millis));
        Ok(Reply::Wait(Job::Restart { limit, at, restart: Restart { sleep } }))
    }

    pub(crate) fn sleep_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+SLEEP:{}", self.ram.sleep));
        Ok(Reply::Ok)
    }

    pub(crate) fn sleep(&mut self, call: &mut Call<'_>) -> Answer {
        let mode = call.args.number(0..=3)?;
        call.args.end()?;
        self.ram.sleep = mode;
        Ok(Reply::Ok)
    }

    pub(crate) fn sysram_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_info("+SYSRAM:148408,84044");
        Ok(Reply::Ok)
    }

    pub(crate) fn sysmsg_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_info(&format!("+SYSMSG:{}", self.ram.stored.sysmsg));
        Ok(Reply::Ok)
    }

    pub(crate) fn sysmsg(&mut self, call: &mut Call<'_>) -> Answer {
        let bits: u8 = call.args.number(0..=7)?;
        call.args.end()?;
        self.change("SYSMSG", |stored| stored.sysmsg = bits);
        Ok(Reply::Ok)
    }

    pub(crate) fn sysstore_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+SYSSTORE:{}", u8::from(self.ram.store)));
        Ok(Reply::Ok)
    }

    pub(crate) fn sysstore(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.ram.store = on;
        Ok(Reply::Ok)
    }

    pub(crate) fn syslog_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+SYSLOG:{}", u8::from(self.ram.syslog)));
        Ok(Reply::Ok)
    }

    pub(crate) fn syslog(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.ram.syslog = on;
        Ok(Reply::Ok)
    }

    pub(crate) fn uart_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.say_uart(&call.name, self.ram.uart)
    }

    pub(crate) fn uart_def_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.say_uart(&call.name, self.nvs.uart)
    }

    fn say_uart(&mut self, name: &str, uart: Uart) -> Answer {
        // `AT+UART?` answers under the name of the setting in force.
        let name = if name == "UART" { "UART_CUR" } else { name };
        let Uart { baud, data, stop, parity, flow } = uart;
        self.say_line(&format!("+{name}:{baud},{data},{stop},{parity},{flow}"));
        Ok(Reply::Ok)
    }

    pub(crate) fn uart_cur(&mut self, call: &mut Call<'_>) -> Answer {
        let uart = self.uart_args(call)?;
        self.say(literals::OK);
        Ok(Reply::Wait(Job::Uart(uart)))
    }

    pub(crate) fn uart_def(&mut self, call: &mut Call<'_>) -> Answer {
        let uart = self.uart_args(call)?;
        self.nvs.uart = uart;
        self.say(literals::OK);
        Ok(Reply::Wait(Job::Uart(uart)))
    }

    fn uart_args(&self, call: &mut Call<'_>) -> Result<Uart, Refusal> {
        let args = &mut call.args;
        let uart = Uart {
            baud: args.number(80..=self.persona.baud_limit.into())?,
            data: args.number(5..=8)?,
            stop: args.number(1..=3)?,
            parity: args.number(0..=2)?,
            flow: args.number(0..=3)?,
        };
        args.end()?;
        Ok(uart)
    }
}

/// The date behind the last bracket of the line with the compile time.
fn compiled_date(line: &str) -> &str {
    line.rsplit_once("):").map_or(line, |(_, date)| date)
}
