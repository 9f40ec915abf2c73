//! Plans: whatever is refused is refused at a line of the file; what is read compiles or is refused, and who could do what is
//! worked out.
#![no_main]

use conclave_ceremony::coalition::table;
use conclave_ceremony::compile::compile;
use conclave_ceremony::plan::{REFUSALS_MAX, Refusal, read};
use conclave_fuzz::{plain, target};

target!(|bytes: &[u8]| {
    match read(bytes) {
        Err(refusals) => told(bytes, &refusals),
        Ok(plan) => match compile(&plan) {
            Err(refusals) => told(bytes, &refusals),
            Ok(script) => {
                assert!(script.peak <= plan.ports.number);
                assert!(script.steps.iter().zip(0..).all(|(step, number)| step.id.0 == number));
                assert!(!table(&plan).is_empty());
            }
        },
    }
    Ok(())
});

fn told(bytes: &[u8], refusals: &[Refusal]) {
    assert!((1..=REFUSALS_MAX).contains(&refusals.len()));
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    for refusal in refusals {
        assert!((1..=lines).contains(&(refusal.line as usize)), "{refusal}");
        plain(refusal);
    }
}
