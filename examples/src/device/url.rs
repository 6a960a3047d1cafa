//! What a device is called: `NAME`, `NAME?SETTING=VALUE`, `NAME:tcp://ADDR`, `NAME:/dev/PORT`.

use core::fmt;

use crate::Failure;

/// A device's name, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Url<'u> {
    whole: &'u str,
    name: &'u str,
    place: Place<'u>,
    settings: Vec<(&'u str, &'u str)>,
}

/// Where a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'u> {
    /// In this program.
    Inside,
    /// At the other end of a tunnel.
    Tunnel(&'u str),
    /// At a port of this PC.
    Port(&'u str),
}

impl<'u> Url<'u> {
    pub(super) fn parse(whole: &'u str) -> Result<Self, Failure> {
        let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
        let (name, place) = path.split_once(':').unwrap_or((path, ""));
        let place = match place.strip_prefix("tcp://") {
            Some(addr) => Place::Tunnel(addr),
            None if path.contains(':') => Place::Port(place),
            None => Place::Inside,
        };
        let settings = query.split('&').filter(|setting| !setting.is_empty());
        let settings = settings.map(|setting| setting.split_once('=').unwrap_or((setting, "")));
        let url = Self { whole, name, place, settings: settings.collect() };
        match url.place {
            Place::Tunnel("") | Place::Port("") => {
                Err(url.refuse("nothing stands behind the colon"))
            }
            _ => Ok(url),
        }
    }

    pub(super) fn name(&self) -> &'u str {
        self.name
    }

    pub(super) fn place(&self) -> Place<'u> {
        self.place
    }

    /// Takes a setting out.
    pub(super) fn setting(&mut self, name: &str) -> Option<&'u str> {
        let at = self.settings.iter().position(|(it, _)| *it == name)?;
        Some(self.settings.remove(at).1)
    }

    /// All settings were taken out; otherwise says what there is.
    pub(super) fn end(&self, known: &str) -> Result<(), Failure> {
        match self.settings.first() {
            Some((name, _)) => Err(self.refuse(format_args!("unknown setting {name:?}; {known}"))),
            None => Ok(()),
        }
    }

    pub(super) fn refuse(&self, why: impl fmt::Display) -> Failure {
        Failure::usage(format_args!("--device {}: {why}", self.whole))
    }

    /// Something in the world does not play along.
    pub(super) fn fail(&self, why: impl fmt::Display) -> Failure {
        Failure::new(format_args!("--device {}: {why}", self.whole))
    }

    pub(super) fn unknown_firmware<'a>(
        &self,
        wanted: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Failure {
        let known: Vec<&str> = known.collect();
        self.refuse(format_args!("unknown firmware {wanted:?}; there are {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        let mut url = Url::parse("espat:/dev/ttyUSB0?baud=9600&persona=4.1").unwrap();
        assert_eq!((url.name(), url.place()), ("espat", Place::Port("/dev/ttyUSB0")));
        assert_eq!(url.setting("persona"), Some("4.1"));
        assert!(url.end("there is baud").unwrap_err().to_string().contains("\"baud\"; there is"));
        assert_eq!(url.setting("baud"), Some("9600"));
        assert_eq!(url.setting("baud"), None);
        assert!(url.end("").is_ok());
        let url = Url::parse("wifinina:tcp://127.0.0.1:7701").unwrap();
        assert_eq!(url.place(), Place::Tunnel("127.0.0.1:7701"));
        assert_eq!(Url::parse("host").unwrap().place(), Place::Inside);
        assert_eq!(Url::parse("espat:COM3").unwrap().place(), Place::Port("COM3"));
        assert!(Url::parse("espat:").is_err() && Url::parse("espat:tcp://").is_err());
    }
}
