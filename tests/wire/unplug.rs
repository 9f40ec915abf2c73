//! The token is pulled out after every byte of a whole connection.

use super::*;

/// Bytes after which a connection must have ended.
const BYTES_MAX: usize = 20_000;

#[test]
fn a_token_pulled_out_at_any_byte_is_unplugged_and_nothing_is_said_twice() {
    for profile in PROFILES {
        let commands = [command(1, 0, 0), command(2, 600, 300), command(3, 20, 600)];
        let connect = |bytes| {
            let card = card(&[]);
            let mut port = port(&card, profile);
            port.unplug_after(bytes);
            let result = CcidLink::open(port, descriptor(profile))
                .and_then(|mut link| commands.iter().try_for_each(|command| exchange(&mut link, 0, command)));
            for command in &commands {
                assert!(times_told(&card, command) <= 1, "{profile:?} after {bytes} bytes");
            }
            result
        };
        let mut cuts = 0;
        while connect(cuts) == Err(ChannelError::Unplugged) {
            cuts += 1;
            assert!(cuts < BYTES_MAX);
        }
        assert_eq!(connect(cuts), Ok(()), "{profile:?}");
        // Both directions were cut, not only the start-up.
        assert!(cuts > 600 + 300 + 20 + 600, "{profile:?}: {cuts}");
        println!("{profile:?}: {cuts} cuts, each unplugged");
    }
}
