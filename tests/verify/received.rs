//! Files of a key's new home beside a record: the words they need to be believed.

use conclave_ceremony::act::Act;
use conclave_ceremony::event::{Event, Outcome};
use conclave_ceremony::ids::{KeyIx, TokenId};
use conclave_ceremony::verify::{Given, verify};
use conclave_publish::{Kind, Line, PublicKey, RECEIVED, Statement};
use conclave_tests::ceremony::chained;

use super::rules::outcome;
use super::{differs_by, golden};

#[test]
fn a_file_of_another_text_signed_otherwise_or_too_early_is_changed() {
    let [text, signature] = ["txt", "sig"].map(|end| format!("signing.DENK0000002.received.{end}"));
    let judge = |transcript: &[u8], files: &[(&str, &[u8])]| {
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        verify(Given { names: None, transcript, plan: golden::PLAN, files: &files, heads: &[] })
    };
    let mut entries = golden::transcript().entries;
    let head = golden::transcript().head();
    let Event::Began(began) = &entries[0].event else { panic!("entry 0 begins") };
    let (ceremony, image) = (began.plan.into(), began.image.into());
    let Outcome::Key { spki, .. } = outcome(&mut entries, Act::Generate(TokenId(0), KeyIx(0))) else { panic!("a key") };
    let key = PublicKey::from_spki_der(spki.get()).unwrap().digest();
    let line = |words| Line::new(words).unwrap();
    let (token, purpose) = (line("DENK0000002"), line(RECEIVED));
    let statement = Statement { kind: Kind::Rehearsal, ceremony, image, head, token, key, purpose }.to_string();
    // Another text; another signature; one without the other; before it was closed.
    let genuine = golden::TRANSCRIPT;
    differs_by(&judge(genuine, &[(&text, statement.as_bytes())]), "received");
    differs_by(&judge(genuine, &[(&signature, b"another")]), "received");
    differs_by(&judge(genuine, &[(&text, b"another"), (&signature, b"another")]), "received");
    differs_by(&judge(genuine, &[(&text, statement.as_bytes()), (&signature, b"another")]), "received");
    entries.pop();
    differs_by(&judge(&chained(entries), &[(&text, statement.as_bytes()), (&signature, b"another")]), "received");
}
