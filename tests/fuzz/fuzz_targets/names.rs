//! Names: each refusal names a line, in words that show as themselves and without the random bytes; drawing leaves a
//! file in which nothing is left to draw.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use conclave_ceremony::plan::names::{Names, draw};
use conclave_ceremony::plan::{self, Plan};
use conclave_fuzz::{refused, target};

static PLAN: LazyLock<Plan> =
    LazyLock::new(|| plan::read(include_bytes!("../../../docs/plans/minimal/plan.toml")).unwrap());

target!(|bytes: &[u8]| {
    match Names::read(bytes, &PLAN) {
        Ok(names) => assert!(names.bytes() == bytes && PLAN.names.iter().all(|named| names.of(&named.id).is_some())),
        Err(refusals) => refused(bytes, &refusals),
    }
    let mut last = [0; 32];
    let random = || {
        let carry = last.iter().position(|byte| *byte != u8::MAX).unwrap();
        last[..carry].fill(0);
        last[carry] += 1;
        Ok::<_, Infallible>(last)
    };
    let Ok(drawn) = draw(bytes, random);
    match drawn {
        Err(refusals) => refused(bytes, &refusals),
        Ok(drawn) => {
            // The drawn bytes may be bytes that stand there already: then they are refused, and the refusal says
            // so.
            let Ok(again) = draw(drawn.file.as_bytes(), || Ok::<_, Infallible>([0; 32]));
            if let Ok(again) = again {
                assert_eq!((again.new, again.file, again.table), (0, drawn.file, drawn.table));
            }
        }
    }
    Ok(())
});
