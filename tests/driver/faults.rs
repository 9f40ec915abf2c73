//! One fault at every command of the way of a token: the driver reports every failure, and nothing half-done is called
//! done.

use conclave_sim::{
    fault::{At, Fault, Misfortune},
    icc::Wire,
    token::Token,
};
use smartcard_hsm::{
    channel::ChannelError,
    command::{KeyDomain, KeySpec, Reset},
    curve::Curve,
    cvc::Name,
    error::{Came, Next, TokenError, Touched},
    object::KeyId,
    pkcs15::{CkaId, Label},
    session::{CertificateFile, Description, Inventory, LastTry},
};

use crate::bench::{HEAD, PIN, SO_PIN, lost, open, pin, prove, says, serve, so_pin, token};

const SERIAL: &str = "DENK0600001";

/// Commands until the token has said its name: SELECT and EF 2F02 in three reads.
const OPENING: u32 = 4;

fn named(error: &TokenError) -> bool {
    error.token.is_some_and(|token| token.holder() == SERIAL)
}

/// The facts that the owner of a token may rely on after the whole way.
#[derive(Debug, PartialEq)]
struct Served {
    inventory: Inventory,
    domain: KeyDomain,
    blob_len: usize,
}

/// The whole way: proved, initialised, DKEK, key, description, wrapped, proved again.
fn whole_way(token: &mut Token) -> Result<Served, TokenError> {
    let key = KeyId::new(1).unwrap();
    let mut session = serve(token, Reset::Unblock)?;
    let generated = session.generate(key, KeySpec::Ec(Curve::P256), Name::bound(&HEAD))?;
    let (label, id) = (Label::new("Key").unwrap(), CkaId::new(&[1]).unwrap());
    let certificate = CertificateFile::Attestation(&generated.attestation);
    session.describe(key, &Description { label: &label, id: &id, public: generated.proof.key(), certificate })?;
    let blob = session.wrap(key)?;
    session.delete_key(key)?;
    session.unwrap(key, &blob)?;
    session.describe(key, &Description { label: &label, id: &id, public: generated.proof.key(), certificate })?;
    session.prove_again(None, &HEAD)?;
    Ok(Served { inventory: session.inventory()?, domain: session.key_domain()?, blob_len: blob.len() })
}

/// The way without a fault, and how many commands it takes.
fn undisturbed() -> (Token, Served, u32) {
    let fresh = token(SERIAL);
    let mut token = fresh.clone();
    let served = whole_way(&mut token).unwrap();
    let commands = token.log().exchanges().len() as u32;
    (fresh, served, commands)
}

/// The way with one fault at the `nth` command, and the header of the command it struck, with its length.
fn disturbed(fresh: &Token, nth: u32, what: Misfortune) -> (Result<Served, TokenError>, [u8; 4], usize) {
    let mut token = fresh.clone().with_faults(vec![Fault { at: At::Command(nth), what }]);
    let result = whole_way(&mut token);
    let struck = &token.log().exchanges()[nth as usize - 1];
    (result, struck.header(), struck.command_len())
}

#[test]
fn unplugged_at_any_command_says_so() {
    let (fresh, _, commands) = undisturbed();
    for nth in 1..=commands {
        let (result, header, _) = disturbed(&fresh, nth, Misfortune::Travels(Wire::Vanish { bytes: 0 }));
        let error = result.unwrap_err();
        assert_eq!(error.came, Came::Channel(ChannelError::Unplugged), "{nth} {header:02X?}: {error}");
        assert_eq!(error.next(), Next::Operator, "{nth} {header:02X?}");
        // A caller that is not told of a possible change may rely on the token.
        let acts = matches!(header, [0x00, 0x46 | 0xd7 | 0xe4, ..] | [0x80, 0x74, ..]);
        assert!(!acts || error.touched != Touched::No, "{nth} {header:02X?}");
        assert!(named(&error) || nth <= OPENING, "{nth} {header:02X?}: {error}");
    }
}

#[test]
fn a_refusal_at_any_command_is_an_error() {
    let (fresh, _, commands) = undisturbed();
    for nth in 1..=commands {
        let sw = [0x6f00, 0x6982, 0x1234][nth as usize % 3];
        let (result, header, _) = disturbed(&fresh, nth, Misfortune::Status(sw));
        let error = result.unwrap_err();
        assert!(error.to_string().contains(&format!("(SW {sw:04X})")), "{nth} {header:02X?}: {error}");
        assert!(error.what_to_do().ends_with('.'));
    }
}

#[test]
fn success_with_nothing_done_is_never_called_done() {
    let (fresh, served, commands) = undisturbed();
    let mut found_out = 0;
    for nth in 1..=commands {
        let (result, header, len) = disturbed(&fresh, nth, Misfortune::NothingDone);
        match result {
            // Reading changes nothing anyway.
            Ok(again) => {
                assert_eq!(again, served, "{nth} {header:02X?}");
                let acts = match header {
                    [0x80, 0x52, ..] => len > 7,
                    [_, ins, ..] => [0x24, 0x46, 0x50, 0x74, 0xd7, 0xe4].contains(&ins),
                };
                assert!(!acts, "{nth} {header:02X?} was believed");
            }
            Err(error) => {
                found_out += 1;
                assert!(named(&error) || nth <= OPENING, "{nth} {header:02X?}: {error}");
            }
        }
    }
    assert!(found_out > 20, "{found_out}");
}

#[test]
fn a_fault_on_the_wire_that_the_line_repairs_is_not_noticed() {
    let (fresh, served, commands) = undisturbed();
    for nth in 1..=commands {
        let (result, header, _) = disturbed(&fresh, nth, Misfortune::Travels(Wire::Wtx { rounds: 3 }));
        assert_eq!(result.as_ref(), Ok(&served), "{nth} {header:02X?}");
    }
}

#[test]
fn a_power_cut_between_two_writes_leaves_a_token_that_is_not_called_done() {
    let (fresh, served, commands) = undisturbed();
    for nth in 1..=commands {
        let (result, header, _) = disturbed(&fresh, nth, Misfortune::PowerCut { writes: nth % 2 });
        let error = result.unwrap_err();
        assert!(matches!(error.came, Came::Channel(ChannelError::Silent { .. })), "{nth} {header:02X?}: {error}");
    }
    // Cut inside the certificate file: power comes back, and the inventory shows the missing part.
    let mut token = token(SERIAL);
    let before = whole_way(&mut token).unwrap();
    assert_eq!(before, served);
    let writes = token.log().exchanges().iter().filter(|exchange| exchange.header()[1] == 0xd7).count() as u32;
    let cut = Fault { at: At::Instruction { ins: 0xd7, nth: writes - 1 }, what: Misfortune::PowerCut { writes: 0 } };
    let mut token = fresh.with_faults(vec![cut]);
    assert!(whole_way(&mut token).is_err());
    let after = open(&mut token).unwrap().inventory().unwrap();
    assert!(after.difference(&served.inventory).is_some());
}

#[test]
fn a_new_so_pin_that_was_not_set_is_found_out_by_trying_it() {
    let fault = Fault { at: At::Instruction { ins: 0x24, nth: 1 }, what: Misfortune::NothingDone };
    let error = serve(&mut token(SERIAL).with_faults(vec![fault]), Reset::Nothing).map(|_| ()).unwrap_err();
    says(
        &error,
        "DENK0600001: VERIFY SO-PIN: wrong PIN (SW 63CE); SO-PIN: 14 tries left",
        Next::Custodian,
        Touched::Yes,
    );
}

#[test]
fn an_import_that_is_interrupted_means_initialising_again() {
    // Of the three commands to the key domain at the proof and at initialising, one each; then the state, then the shares.
    let second_share = At::Instruction { ins: 0x52, nth: 5 };
    let lost_on_the_way = Fault { at: second_share, what: Misfortune::Travels(Wire::Mute) };
    let mut token = token(SERIAL).with_faults(vec![lost_on_the_way]);
    let error = serve(&mut token, Reset::Nothing).map(|_| ()).unwrap_err();
    says(
        &error,
        "DENK0600001: IMPORT DKEK SHARE: no answer from the token after 10000 ms",
        Next::Operator,
        Touched::Unknown,
    );
    let mut session = open(&mut token).unwrap();
    assert_eq!(session.key_domain().unwrap().to_string(), "2 DKEK shares imported, KCV af83 4b23 57ba e6ad");
}

#[test]
fn a_token_that_needs_time_to_clean_up_is_asked_twice() {
    let busy = |nth| Fault { at: At::Instruction { ins: 0x50, nth }, what: Misfortune::Status(0x6a84) };
    assert!(serve(&mut token(SERIAL).with_faults(vec![busy(1)]), Reset::Nothing).is_ok());
    let mut token = token(SERIAL).with_faults(vec![busy(1), busy(2)]);
    let error = prove(&mut token).map(|_| ()).unwrap_err();
    says(
        &error,
        "DENK0600001: INITIALIZE DEVICE: the token is full (SW 6A84); SO-PIN: 15 tries left",
        Next::Operator,
        Touched::Unknown,
    );
}

#[test]
fn a_wrong_pin_whose_answer_is_lost_is_counted_when_the_token_is_back() {
    let mut token = token(SERIAL);
    serve(&mut token, Reset::Nothing).unwrap();
    let mut token = token
        .with_faults(vec![Fault { at: At::Instruction { ins: 0x20, nth: 5 }, what: Misfortune::Travels(Wire::Mute) }]);
    let own = so_pin(SO_PIN);
    let session = open(&mut token).unwrap();
    let proved = session.prove(smartcard_hsm::genuine::CurrentSoPin::Own(&own), &pin(b"throw-away"), &HEAD);
    let session: crate::bench::Genuine<'_, _> = proved.unwrap().log_out().unwrap();
    let error = lost(session.log_in(&pin(PIN), LastTry::Refuse).unwrap_err());
    says(
        &error,
        "DENK0600001: VERIFY user PIN: no answer from the token after 10000 ms; user PIN: 2 tries left",
        Next::Operator,
        Touched::Yes,
    );
}
