//! Companion files: what is read is written back to the same bytes.
#![no_main]

use std::sync::LazyLock;

use conclave_ceremony::companion::Companion;
use conclave_ceremony::event::{Began, Event};
use conclave_ceremony::plan::{self, Plan};
use conclave_ceremony::transcript::read;
use conclave_fuzz::target;

static GOLDEN: LazyLock<(Plan, Began)> = LazyLock::new(|| {
    let transcript = read(include_bytes!("../../golden/transcripts/v1/conclave.cbor")).unwrap();
    let Event::Began(began) = &transcript.entries[0].event else { panic!("entry 0 begins") };
    (plan::read(include_bytes!("../../golden/transcripts/v1/plan.toml")).unwrap(), (**began).clone())
});

target!(|bytes: &[u8]| {
    let (plan, began) = &*GOLDEN;
    let companion = Companion::read(bytes, plan, &began.commitments)?;
    assert_eq!(companion.to_bytes(), bytes);
    Ok(())
});
