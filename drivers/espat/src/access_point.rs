//! An access point of our own.

use netdev::{AccessPointSettings, Error};
use netdev_uart::UartLink;

use crate::command::{CIPAP, CWMODE, CWSAP};
use crate::op::{LinkStep, Op};
use crate::query::printable;
use crate::state::Core;
use crate::wifi::{PASSPHRASE_MAX, SSID_MAX, STEPS, Stage, config};

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn start_access_point(
        &mut self,
        settings: &AccessPointSettings<'_>,
    ) -> nb::Result<(), Error> {
        let (ssid, passphrase) = (settings.ssid, settings.passphrase);
        let fits = (1..=SSID_MAX).contains(&ssid.len())
            && (passphrase.is_empty() || (8..=PASSPHRASE_MAX).contains(&passphrase.len()))
            && printable(ssid)
            && printable(passphrase);
        if !fits {
            return Err(Error::InvalidInput.into());
        }
        if !matches!(self.state.wifi.stage, Stage::Opening(_)) {
            if matches!(self.state.exchange.flight.map(|it| it.op), Some(Op::Link(_))) {
                return Err(nb::Error::WouldBlock);
            }
            self.link_is_down(Error::LinkDown);
            self.state.wifi.stage = Stage::Opening(LinkStep::AccessPointMode);
        }
        for _ in 0..STEPS {
            let Stage::Opening(step) = self.state.wifi.stage else { return Ok(()) };
            self.open_step(step, settings)?;
        }
        Err(nb::Error::WouldBlock)
    }

    fn open_step(
        &mut self,
        step: LinkStep,
        settings: &AccessPointSettings<'_>,
    ) -> nb::Result<(), Error> {
        let suffixed = self.state.firmware.suffixed;
        let ecn = if settings.passphrase.is_empty() { 0 } else { 3 };
        let answer = self.ask(Op::Link(step), |it| match step {
            LinkStep::AccessPointMode => {
                it.start(CWMODE).current(suffixed).number(2);
            }
            LinkStep::AccessPoint => {
                it.start(CWSAP).current(suffixed).text(settings.ssid).text(settings.passphrase);
                it.number(u32::from(settings.channel)).number(ecn);
            }
            _ => {
                it.start(CIPAP).current(suffixed).query();
            }
        });
        let reply = self.or_down(answer)?;
        self.state.wifi.stage = match step {
            LinkStep::AccessPointMode => {
                self.state.wifi.station = false;
                Stage::Opening(LinkStep::AccessPoint)
            }
            LinkStep::AccessPoint => Stage::Opening(LinkStep::AccessPointAddress),
            _ => {
                self.state.wifi.config = config(&reply);
                self.now_up();
                Stage::Open
            }
        };
        Ok(())
    }
}
