//! Settings of TLS links. They are kept and told; the links themselves are not modelled.

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::links::{LINKS, Slot};
use crate::params::{Args, Refusal};

/// What TLS settings a link's number has.
#[derive(Clone, Debug)]
pub(crate) struct TlsSlot {
    /// Which side is checked, and the numbers of key and root.
    config: (u8, u8, u8),
    server_name: Vec<u8>,
    common_name: Vec<u8>,
    alpn: Vec<Vec<u8>>,
    ciphers: Vec<u16>,
}

impl TlsSlot {
    pub(crate) const NEW: Self = Self {
        config: (0, 0, 0),
        server_name: Vec::new(),
        common_name: Vec::new(),
        alpn: Vec::new(),
        ciphers: Vec::new(),
    };
}

impl Firmware {
    /// The link that a setting is for: 5 is all of them.
    fn tls_id(&self, args: &mut Args<'_>) -> Result<usize, Refusal> {
        if self.ram.multiple { args.number(0..=5) } else { Ok(0) }
    }

    fn set_tls(&mut self, id: usize, set: impl Fn(&mut TlsSlot)) {
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if id == place || id == LINKS {
                set(&mut slot.tls);
            }
        }
    }

    fn tls_lines(&mut self, line: impl Fn(usize, &TlsSlot) -> Option<Vec<u8>>) -> Answer {
        let count = if self.ram.multiple { LINKS } else { 1 };
        let slots: Vec<Slot> = self.slots.iter().take(count).cloned().collect();
        for (id, slot) in slots.iter().enumerate() {
            if let Some(mut line) = line(id, &slot.tls) {
                line.extend_from_slice(b"\r\n");
                self.say(&line);
            }
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsslcconf_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.tls_lines(|id, tls| {
            let (auth, key, root) = tls.config;
            Some(format!("+CIPSSLCCONF:{id},{auth},{key},{root}").into_bytes())
        })
    }

    pub(crate) fn cipsslcconf(&mut self, call: &mut Call<'_>) -> Answer {
        let id = self.tls_id(&mut call.args)?;
        let auth = call.args.number(0..=3)?;
        let key = call.args.opt(0..=15)?.unwrap_or(0);
        let root = call.args.opt(0..=15)?.unwrap_or(0);
        call.args.end()?;
        self.set_tls(id, |tls| tls.config = (auth, key, root));
        Ok(Reply::Ok)
    }

    pub(crate) fn tls_name_query(&mut self, call: &mut Call<'_>) -> Answer {
        let command = call.name.clone();
        self.tls_lines(move |id, tls| {
            let name = if command == "CIPSSLCSNI" { &tls.server_name } else { &tls.common_name };
            let line = [format!("+{command}:{id},").as_bytes(), name].concat();
            (!name.is_empty()).then_some(line)
        })
    }

    pub(crate) fn tls_name(&mut self, call: &mut Call<'_>) -> Answer {
        let id = self.tls_id(&mut call.args)?;
        let name = call.args.text(0..=64)?;
        call.args.end()?;
        let server = call.name == "CIPSSLCSNI";
        self.set_tls(id, |tls| {
            let place = if server { &mut tls.server_name } else { &mut tls.common_name };
            place.clone_from(&name);
        });
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsslcalpn_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.tls_lines(|id, tls| {
            let names = tls.alpn.join(&b',');
            let line = [format!("+CIPSSLCALPN:{id},").as_bytes(), &names].concat();
            (!names.is_empty()).then_some(line)
        })
    }

    pub(crate) fn cipsslcalpn(&mut self, call: &mut Call<'_>) -> Answer {
        let id = self.tls_id(&mut call.args)?;
        let count: usize = call.args.number(0..=5)?;
        let names = (0..count).map(|_| call.args.text(1..=32)).collect::<Result<Vec<_>, _>>()?;
        call.args.end()?;
        self.set_tls(id, |tls| tls.alpn.clone_from(&names));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsslcpsk(&mut self, call: &mut Call<'_>) -> Answer {
        self.tls_id(&mut call.args)?;
        call.args.text(0..=64)?;
        call.args.text(0..=32)?;
        call.args.end()?;
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsslccipher_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.tls_lines(|id, tls| {
            let suites: String =
                tls.ciphers.iter().map(|suite| format!(",0x{suite:04X}")).collect();
            (!suites.is_empty()).then(|| format!("+CIPSSLCCIPHER:{id}{suites}").into_bytes())
        })
    }

    pub(crate) fn cipsslccipher(&mut self, call: &mut Call<'_>) -> Answer {
        let id = self.tls_id(&mut call.args)?;
        let count: usize = call.args.number(0..=8)?;
        let suites =
            (0..count).map(|_| call.args.number(0..=0xFFFF)).collect::<Result<Vec<u16>, _>>()?;
        call.args.end()?;
        self.set_tls(id, |tls| tls.ciphers.clone_from(&suites));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsslsize(&mut self, call: &mut Call<'_>) -> Answer {
        let _: u16 = call.args.number(2048..=4096)?;
        call.args.end()?;
        Ok(Reply::Ok)
    }
}
