//! A token without a bus: as a channel for sessions, or as the two bulk endpoints of its reader for the driver below.
//!
//! Time is virtual: a caller that waits for something that will never come is told at once that the time is up.

use smartcard_hsm::apdu::{Apdu, Reply};
use smartcard_hsm::channel::{COMMAND_LEN_MAX, Channel, ChannelError, Patience};
use smartcard_hsm::port::{BulkPort, Endpoint, PortError};
use zeroize::Zeroizing;

use crate::ccid_device::CcidDevice;
use crate::icc::{Icc, Wire};
use crate::usb::{Attached, Descriptors, NoTransfer, UsbDevice};

/// A card that is spoken to in APDUs.
#[derive(Debug)]
pub struct InProcess<I> {
    /// `None` once it is pulled out.
    card: Option<I>,
}

impl<I: Icc> InProcess<I> {
    /// Plugs the card in. It has no power before [`Channel::restart`].
    pub fn new(card: I) -> Self {
        Self { card: Some(card) }
    }

    fn pull(&mut self) -> ChannelError {
        if let Some(mut card) = self.card.take() {
            card.power_off();
        }
        ChannelError::Unplugged
    }
}

impl<I: Icc> Channel for InProcess<I> {
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError> {
        let bytes = command.to_bytes()?;
        if bytes.len() > COMMAND_LEN_MAX {
            return Err(ChannelError::CommandTooLong { found: bytes.len() });
        }
        let card = self.card.as_mut().ok_or(ChannelError::Unplugged)?;
        let answer = card.transmit(&bytes);
        let response = Zeroizing::new(answer.response);
        match answer.wire {
            Wire::Mute | Wire::Late | Wire::Wtx { rounds: u32::MAX } => {
                Err(ChannelError::Silent { waited_ms: patience.silence_max_ms() })
            }
            Wire::Stall => Err(PortError::Stalled.on(Endpoint::BulkIn)),
            Wire::Garbage => Err(ChannelError::Ccid { what: "length of a message", expected: 10, got: 3 }),
            Wire::Vanish { .. } => Err(self.pull()),
            Wire::Clean | Wire::BadLrc { .. } | Wire::Wtx { .. } | Wire::Ifs { .. } => Ok(Reply::parse(response)?),
        }
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        let card = self.card.as_mut().ok_or(ChannelError::Unplugged)?;
        card.power_off();
        let atr = card.power_on();
        // No card is without one: it was pulled out at its other end.
        if atr.is_empty() { Err(self.pull()) } else { Ok(atr) }
    }
}

/// The bulk endpoints of a token's reader.
#[derive(Debug)]
pub struct InMemory<I> {
    device: Attached<CcidDevice<I>>,
    bulk_in: u8,
    bulk_out: u8,
    /// Bytes that still pass before the token is pulled out.
    bytes_left: Option<usize>,
    clock_ms: u64,
}

impl<I: Icc> InMemory<I> {
    /// Plugs the token in.
    pub fn new(token: CcidDevice<I>) -> Self {
        let bulk = token.descriptors().endpoints().into_iter().filter(|endpoint| endpoint.kind == 2);
        let (into_host, out_of_host): (Vec<_>, Vec<_>) = bulk.partition(|endpoint| endpoint.address & 0x80 != 0);
        let address = |endpoints: &[crate::usb::Endpoint]| endpoints.first().map_or(0, |endpoint| endpoint.address);
        Self {
            bulk_in: address(&into_host),
            bulk_out: address(&out_of_host),
            device: Attached::new(token),
            bytes_left: None,
            clock_ms: 0,
        }
    }

    /// Pulls the token out when this many more bytes have passed, in either direction. A transfer that does not fit
    /// fails and does not reach the other side.
    pub fn unplug_after(&mut self, bytes: usize) {
        self.bytes_left = Some(bytes);
    }

    /// The device's descriptors: the CCID class descriptor is inside the configuration.
    pub fn descriptors(&self) -> &Descriptors {
        self.device.device().descriptors()
    }

    /// Milliseconds spent waiting, had the clock been real.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// Pulls the token out and hands it back.
    pub fn into_token(mut self) -> CcidDevice<I> {
        // The state that a card loses with its power is lost here, too.
        self.device.reset();
        self.device.into_device()
    }

    /// Counts bytes towards the unplugging. Even to learn that nothing comes takes a byte.
    fn pass(&mut self, bytes: usize) -> Result<(), PortError> {
        let Some(left) = self.bytes_left else { return Ok(()) };
        if left < bytes.max(1) {
            self.unplug_after(0);
            self.device.reset();
            return Err(PortError::Unplugged);
        }
        self.unplug_after(left - bytes);
        Ok(())
    }

    fn explain(&mut self, why: NoTransfer, timeout_ms: u64) -> PortError {
        match why {
            NoTransfer::Nak => {
                self.clock_ms += timeout_ms;
                PortError::Timeout { waited_ms: timeout_ms }
            }
            NoTransfer::Stall => PortError::Stalled,
            NoTransfer::Babble => PortError::Failed { what: "overflow" },
            NoTransfer::Gone => PortError::Unplugged,
        }
    }
}

impl<I: Icc> BulkPort for InMemory<I> {
    fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError> {
        self.pass(message.len())?;
        self.device.bulk_out(self.bulk_out, message).map_err(|why| self.explain(why, timeout_ms))
    }

    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
        self.pass(0)?;
        let message = self.device.bulk_in(self.bulk_in, len_max).map_err(|why| self.explain(why, timeout_ms))?;
        self.pass(message.len())?;
        Ok(Zeroizing::new(message))
    }

    fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError> {
        self.pass(0)?;
        self.device.clear_halt(match endpoint {
            Endpoint::BulkIn => self.bulk_in,
            Endpoint::BulkOut => self.bulk_out,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ccid_device::Profile;
    use crate::ccid_device::test_card::TestCard;

    const APDU_POWER_ON: [u8; 10] = [0x62, 0, 0, 0, 0, 0, 7, 0, 0, 0];

    fn apdu(len: u16) -> Apdu {
        let [high, low] = len.to_be_bytes();
        Apdu::new([0x80, 0xee, high, low])
    }

    #[test]
    fn a_channel_carries_the_apdu_and_its_answer() {
        let mut channel = InProcess::new(TestCard::default());
        assert_eq!(channel.restart().unwrap(), TestCard::ATR);
        let reply = channel.exchange(&apdu(300), Patience::Ordinary).unwrap();
        assert_eq!((reply.body().len(), reply.sw.0), (300, 0x9000));
    }

    #[test]
    fn a_channel_shows_each_fault_as_the_wire_below_would_end() {
        #[track_caller]
        fn check(wire: Wire, want: Result<(), ChannelError>) {
            let mut channel = InProcess::new(TestCard::with([wire]));
            assert_eq!(channel.exchange(&apdu(1), Patience::Long).map(|_| ()), want);
        }
        check(Wire::Mute, Err(ChannelError::Silent { waited_ms: 300_000 }));
        check(Wire::Late, Err(ChannelError::Silent { waited_ms: 300_000 }));
        check(Wire::Wtx { rounds: u32::MAX }, Err(ChannelError::Silent { waited_ms: 300_000 }));
        check(Wire::Stall, Err(ChannelError::Stalled { endpoint: "bulk IN" }));
        check(Wire::Garbage, Err(ChannelError::Ccid { what: "length of a message", expected: 10, got: 3 }));
        check(Wire::Wtx { rounds: 3 }, Ok(()));
        check(Wire::BadLrc { blocks: 1 }, Ok(()));
        check(Wire::Ifs { ifsc: 20 }, Ok(()));
        check(Wire::Vanish { bytes: 4 }, Err(ChannelError::Unplugged));
    }

    #[test]
    fn a_channel_whose_token_vanished_stays_unplugged() {
        let mut channel = InProcess::new(TestCard::with([Wire::Vanish { bytes: 0 }]));
        assert!(channel.exchange(&apdu(1), Patience::Ordinary).is_err());
        assert_eq!(channel.exchange(&apdu(1), Patience::Ordinary).unwrap_err(), ChannelError::Unplugged);
        assert_eq!(channel.restart().unwrap_err(), ChannelError::Unplugged);
    }

    #[test]
    fn a_command_no_token_takes_is_refused_before_the_card_sees_it() {
        let mut card = TestCard::default();
        let mut channel = InProcess::new(&mut card);
        let found = COMMAND_LEN_MAX + 1;
        let long = Apdu::new([0; 4]).body(&vec![0; found - 7]);
        assert_eq!(channel.exchange(&long, Patience::Ordinary).unwrap_err(), ChannelError::CommandTooLong { found });
        assert_eq!(card.commands.len(), 0);
    }

    fn port(profile: Profile) -> InMemory<TestCard> {
        InMemory::new(CcidDevice::new(TestCard::default(), profile, "DENK0100001"))
    }

    #[test]
    fn a_wait_in_vain_is_over_at_once_and_counted() {
        let mut port = port(Profile::Apdu);
        assert_eq!(port.receive(271, 5_000).unwrap_err(), PortError::Timeout { waited_ms: 5_000 });
        assert_eq!(port.receive(271, 300).unwrap_err(), PortError::Timeout { waited_ms: 300 });
        assert_eq!(port.clock_ms(), 5_300);
    }

    #[test]
    fn both_profiles_are_reached_at_their_own_endpoints() {
        for profile in [Profile::Tpdu { interface: 1 }, Profile::Apdu] {
            let mut port = port(profile);
            port.send(&APDU_POWER_ON, 1).unwrap();
            assert_eq!(port.receive(271, 1).unwrap()[10..], TestCard::ATR);
        }
    }

    #[test]
    fn unplugging_works_at_every_byte_of_an_exchange() {
        let whole = APDU_POWER_ON.len() + 10 + TestCard::ATR.len();
        for bytes in 0..=whole {
            let mut port = port(Profile::Apdu);
            port.unplug_after(bytes);
            let sent = port.send(&APDU_POWER_ON, 1);
            let received = port.receive(271, 1);
            assert_eq!(sent.is_ok(), bytes >= 10, "{bytes}");
            assert_eq!(received.is_ok(), bytes == whole, "{bytes}");
            assert_eq!(port.receive(271, 1).unwrap_err(), PortError::Unplugged, "{bytes}");
            assert_eq!(port.clear_halt(Endpoint::BulkIn).unwrap_err(), PortError::Unplugged, "{bytes}");
            assert!(!port.into_token().into_card().powered, "{bytes}");
        }
    }
}
