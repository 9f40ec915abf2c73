//! Plans: each refusal names a line of the file; a plan that is read compiles or is refused, and its coalitions are
//! worked out.
#![no_main]

use conclave_ceremony::coalition::table;
use conclave_ceremony::compile::compile;
use conclave_ceremony::plan::read;
use conclave_fuzz::{refused, target};

target!(|bytes: &[u8]| {
    match read(bytes) {
        Err(refusals) => refused(bytes, &refusals),
        Ok(plan) => match compile(&plan) {
            Err(refusals) => refused(bytes, &refusals),
            Ok(script) => {
                assert!(script.peak() <= usize::from(plan.ports.number));
                assert!(script.steps.iter().zip(0..).all(|(step, number)| step.id.0 == number));
                assert!(!table(&plan).is_empty());
            }
        },
    }
    Ok(())
});
