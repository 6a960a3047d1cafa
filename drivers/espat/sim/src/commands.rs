//! The table of commands, and the way from a line to its handler.

use crate::firmware::Firmware;
use crate::input::LINE_LIMIT;
use crate::params::{Args, Form, Refusal, split_line};
use crate::persona::Series::{self, V1_7, V2_1, V2_4, V4_1, V5_0};
use crate::worker::Job;

/// What comes of a command that was not refused.
#[derive(Debug)]
pub(crate) enum Reply {
    /// `OK` is to be said.
    Ok,
    /// Everything is said.
    Said,
    /// It takes longer.
    Wait(Job),
}

pub(crate) type Answer = Result<Reply, Refusal>;
type Handler = fn(&mut Firmware, &mut Call<'_>) -> Answer;

/// A command as its handler sees it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Without `+`; `CWMODE_CUR` is another name than `CWMODE`.
    pub(crate) name: String,
    pub(crate) args: Args<'a>,
}

impl Call<'_> {
    /// The name without `_CUR` and `_DEF`.
    pub(crate) fn stem(&self) -> &str {
        let name = self.name.as_str();
        name.strip_suffix("_CUR").or(name.strip_suffix("_DEF")).unwrap_or(name)
    }
}

/// One row: a name, the releases that have it, and a handler for each form.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    since: Series,
    until: Series,
    handlers: [Option<Handler>; 4],
    /// 1.x has it with `_CUR` and `_DEF`, too.
    suffixes: bool,
    /// It needs one of the persona's switches.
    only: Only,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    Always,
    Legacy,
    ReceiveType,
    Details,
}

impl Command {
    const fn new(name: &'static str) -> Self {
        let (since, until) = (V1_7, V5_0);
        Self { name, since, until, handlers: [None; 4], suffixes: false, only: Only::Always }
    }

    const fn test(mut self, handler: Handler) -> Self {
        self.handlers[0] = Some(handler);
        self
    }

    const fn query(mut self, handler: Handler) -> Self {
        self.handlers[1] = Some(handler);
        self
    }

    const fn set(mut self, handler: Handler) -> Self {
        self.handlers[2] = Some(handler);
        self
    }

    const fn run(mut self, handler: Handler) -> Self {
        self.handlers[3] = Some(handler);
        self
    }

    const fn since(mut self, since: Series) -> Self {
        self.since = since;
        self
    }

    const fn until(mut self, until: Series) -> Self {
        self.until = until;
        self
    }

    const fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    const fn suffixed(mut self) -> Self {
        self.suffixes = true;
        self
    }

    /// Whether the firmware has it.
    pub(crate) fn is_in(&self, firmware: &Firmware) -> bool {
        let persona = firmware.persona;
        let switched = match self.only {
            Only::Legacy => persona.legacy,
            Only::ReceiveType => persona.receive_type,
            Only::Always | Only::Details => true,
        };
        (self.since..=self.until).contains(&persona.series) && switched
    }

    /// The handler of a form, unless this release lacks it.
    fn handler(&self, firmware: &Firmware, form: Form) -> Option<Handler> {
        let index = match form {
            Form::Test if !firmware.persona.is_old() => return None,
            Form::Query if self.only == Only::Details && !firmware.persona.asks_details => {
                return None;
            }
            Form::Test => 0,
            Form::Query => 1,
            Form::Set => 2,
            Form::Execute => 3,
        };
        self.handlers.get(index).copied().flatten()
    }

    /// Which forms there are, as `AT+CMD?` tells: test, query, set, execute.
    pub(crate) fn forms(&self, firmware: &Firmware) -> [u8; 4] {
        let forms = [Form::Test, Form::Query, Form::Set, Form::Execute];
        forms.map(|form| u8::from(self.handler(firmware, form).is_some()))
    }
}

impl Firmware {
    /// Finds the handler of a line, and lets it work.
    pub(crate) fn dispatch(&mut self, line: &[u8]) -> Answer {
        if line.len() + 2 > LINE_LIMIT {
            return Err(Refusal::LENGTH);
        }
        if line.is_empty() {
            self.monitor.count(|c| c.empty_lines += 1);
            return self.nothing();
        }
        let line = split_line(line).inspect_err(|refusal| {
            self.monitor.count(|c| c.unknown_commands += u64::from(*refusal == Refusal::UNKNOWN));
        })?;
        let name = line.name.strip_prefix('+').unwrap_or(&line.name).to_owned();
        let plus = line.name.starts_with('+');
        let Some(command) = self.find(&name, plus) else {
            let elsewhere = COMMANDS.iter().any(|it| it.answers_to(&name, true, plus));
            self.monitor.count(|c| {
                c.missing_commands += u64::from(elsewhere);
                c.unknown_commands += u64::from(!elsewhere);
            });
            return Err(Refusal::UNKNOWN);
        };
        let Some(handler) = command.handler(self, line.form) else {
            // A form that other releases have may be asked for.
            if line.form == Form::Test || command.only == Only::Details {
                self.monitor.count(|c| c.missing_commands += 1);
                return Err(Refusal::STATE);
            }
            return Err(Refusal::FORM);
        };
        let mut call = Call { name, args: Args::new(line.params) };
        handler(self, &mut call)
    }

    fn nothing(&mut self) -> Answer {
        if self.ram.syslog {
            self.say_line(&format!("ERR CODE:0x{:08x}", Refusal::NO_AT.0));
        }
        self.say(crate::literals::ERROR);
        Ok(Reply::Said)
    }

    fn find(&self, name: &str, plus: bool) -> Option<&'static Command> {
        let old = self.persona.is_old();
        COMMANDS.iter().find(|it| it.answers_to(name, old, plus) && it.is_in(self))
    }
}

impl Command {
    fn answers_to(&self, name: &str, old: bool, plus: bool) -> bool {
        let bare = matches!(self.name, "" | "E0" | "E1");
        if bare == plus {
            return false;
        }
        let stem = name.strip_suffix("_CUR").or(name.strip_suffix("_DEF"));
        self.name == name || (old && self.suffixes && stem == Some(self.name))
    }
}

const fn c(name: &'static str) -> Command {
    Command::new(name)
}

type F = Firmware;

/// All commands of all releases.
pub(crate) const COMMANDS: &[Command] = &[
    c("").run(F::at),
    c("E0").run(F::echo_off),
    c("E1").run(F::echo_on),
    c("RST").run(F::rst).set(F::rst),
    c("GMR").run(F::gmr),
    c("CMD").query(F::cmd_query).since(V2_4),
    c("GSLP").set(F::gslp),
    c("SYSTIMESTAMP").query(F::systimestamp_query).set(F::systimestamp).since(V2_1),
    c("SLEEP").query(F::sleep_query).set(F::sleep),
    c("RESTORE").run(F::restore),
    c("SYSRAM").query(F::sysram_query),
    c("SYSMSG").query(F::sysmsg_query).set(F::sysmsg).since(V2_1),
    c("SYSSTORE").query(F::sysstore_query).set(F::sysstore).since(V2_1),
    c("SYSLOG").query(F::syslog_query).set(F::syslog).since(V2_1),
    c("UART_CUR").query(F::uart_query).set(F::uart_cur),
    c("UART_DEF").query(F::uart_def_query).set(F::uart_def),
    c("UART").query(F::uart_query).set(F::uart_def),
    c("CWINIT").query(F::cwinit_query).set(F::cwinit).since(V4_1),
    c("CWMODE").test(F::cwmode_test).query(F::cwmode_query).set(F::cwmode).suffixed(),
    c("CWSTATE").query(F::cwstate_query).since(V2_4),
    c("CWJAP").query(F::cwjap_query).set(F::cwjap).run(F::cwjap_again).suffixed(),
    c("CWRECONNCFG").query(F::cwreconncfg_query).set(F::cwreconncfg).since(V2_4),
    c("CWLAP").set(F::cwlap).run(F::cwlap),
    c("CWLAPOPT").set(F::cwlapopt),
    c("CWQAP").run(F::cwqap),
    c("CWSAP").query(F::cwsap_query).set(F::cwsap).suffixed(),
    c("CWLIF").run(F::cwlif),
    c("CWQIF").set(F::cwqif).run(F::cwqif).since(V2_1),
    c("CWDHCP").query(F::cwdhcp_query).set(F::cwdhcp).suffixed(),
    c("CWDHCPS").query(F::cwdhcps_query).set(F::cwdhcps).suffixed(),
    c("CWAUTOCONN").query(F::cwautoconn_query).set(F::cwautoconn),
    c("CWHOSTNAME").query(F::cwhostname_query).set(F::cwhostname),
    c("CWCOUNTRY").query(F::cwcountry_query).set(F::cwcountry).suffixed(),
    c("CIPSTAMAC").query(F::mac_query).set(F::mac).suffixed(),
    c("CIPAPMAC").query(F::mac_query).set(F::mac).suffixed(),
    c("CIPSTA").query(F::cipsta_query).set(F::cipsta).suffixed(),
    c("CIPAP").query(F::cipap_query).set(F::cipap).suffixed(),
    c("CIFSR").run(F::cifsr),
    c("CIPV6").query(F::cipv6_query).set(F::cipv6).since(V2_4),
    c("CIPMUX").query(F::cipmux_query).set(F::cipmux),
    c("CIPMODE").query(F::cipmode_query).set(F::cipmode),
    c("CIPDNS").query(F::cipdns_query).set(F::cipdns).suffixed(),
    c("CIPDOMAIN").set(F::cipdomain),
    c("CIPSNTPCFG").query(F::cipsntpcfg_query).set(F::cipsntpcfg),
    c("CIPSNTPTIME").query(F::cipsntptime_query),
    c("CIPSNTPINTV").query(F::cipsntpintv_query).set(F::cipsntpintv).since(V2_4),
    c("PING").set(F::ping_command),
    c("MDNS").set(F::mdns),
    c("CIPDINFO").query(F::cipdinfo_query).set(F::cipdinfo).only(Only::Details),
    c("CIPTCPOPT").query(F::ciptcpopt_query).set(F::ciptcpopt).since(V2_1),
    c("CIPRECONNINTV").query(F::cipreconnintv_query).set(F::cipreconnintv).since(V2_1),
    c("CIPSTART").set(F::cipstart),
    c("CIPSTARTEX").set(F::cipstartex).since(V2_1),
    c("CIPSTATE").query(F::cipstate_query).since(V2_4),
    c("CIPSTATUS").run(F::cipstatus).only(Only::Legacy),
    c("CIPSEND").set(F::cipsend).run(F::cipsend_passthrough),
    c("CIPSENDL").set(F::cipsendl).since(V2_4),
    c("CIPSENDLCFG").query(F::cipsendlcfg_query).set(F::cipsendlcfg).since(V2_4),
    c("CIPSENDEX").set(F::cipsendex),
    c("CIPCLOSE").set(F::cipclose).run(F::cipclose_only),
    c("CIPSERVER").query(F::cipserver_query).set(F::cipserver),
    c("CIPSERVERMAXCONN").query(F::cipservermaxconn_query).set(F::cipservermaxconn),
    c("CIPSTO").query(F::cipsto_query).set(F::cipsto),
    c("CIPRECVMODE").query(F::ciprecvmode_query).set(F::ciprecvmode).only(Only::Legacy),
    c("CIPRECVTYPE").query(F::ciprecvtype_query).set(F::ciprecvtype).only(Only::ReceiveType),
    c("CIPRECVDATA").set(F::ciprecvdata),
    c("CIPRECVLEN").query(F::ciprecvlen_query),
    c("CIPCONNPERSIST").query(F::cipconnpersist_query).set(F::cipconnpersist).since(V5_0),
    c("SAVETRANSLINK").set(F::savetranslink),
    c("CIPSSLCCONF").query(F::cipsslcconf_query).set(F::cipsslcconf),
    c("CIPSSLCSNI").query(F::tls_name_query).set(F::tls_name).since(V2_1),
    c("CIPSSLCCN").query(F::tls_name_query).set(F::tls_name).since(V2_1),
    c("CIPSSLCALPN").query(F::cipsslcalpn_query).set(F::cipsslcalpn).since(V2_1),
    c("CIPSSLCPSK").set(F::cipsslcpsk).since(V2_4),
    c("CIPSSLCPSKHEX").set(F::cipsslcpsk).since(V4_1),
    c("CIPSSLCCIPHER").query(F::cipsslccipher_query).set(F::cipsslccipher).since(V4_1),
    c("CIPSSLSIZE").set(F::cipsslsize).until(V1_7),
];
