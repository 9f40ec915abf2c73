//! The host's end of T=1 against a card that sends anything. The LRC is made right in every other block, or no block
//! would get past it.
#![no_main]

use conclave_fuzz::{Pieces, plain, target};
use smartcard_hsm::{
    channel::Patience,
    t1::{Host, RESPONSE_LEN_MAX, Step},
};

target!(|bytes: &[u8]| {
    let mut host = Host::new(32, 254, 261, 1000);
    let mut step = Ok(host.exchange(vec![0x5a; 300].into(), Patience::Ordinary));
    for piece in Pieces::new(bytes) {
        step = match step {
            Ok(Step::Send(_)) => match piece.split_first() {
                Some((0, _)) | None => host.silent(),
                Some((1, _)) => host.garbled(),
                Some((how, block)) if how % 2 == 0 => {
                    let lrc = block.iter().fold(0, |lrc, byte| lrc ^ byte);
                    host.received(&[block, &[lrc]].concat())
                }
                Some((_, block)) => host.received(block),
            },
            Ok(Step::Done(response)) => {
                assert!(response.len() <= RESPONSE_LEN_MAX);
                Ok(host.exchange(vec![0x5a; piece.len()].into(), Patience::Ordinary))
            }
            Err(error) => {
                plain(error);
                Ok(host.exchange(vec![0x5a; piece.len()].into(), Patience::Ordinary))
            }
        };
    }
    step?;
    Ok(())
});
