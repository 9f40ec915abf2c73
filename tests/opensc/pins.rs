use super::*;

#[test]
fn three_wrong_pins_lock_the_token_and_the_so_pin_unblocks_it() {
    let bench = Bench::new();
    for reader in [0, 1] {
        bench.initialize(reader, "0");
        for _ in 0..3 {
            bench.pkcs11_tool(reader, &["--login", "--pin", "648210", "--list-objects"]);
        }
        bench.sc_hsm_tool(reader, &[]).says("User PIN locked");
        // Now even the right one.
        let refused = bench.pkcs11_tool_logged_in(reader, &["--list-objects"]);
        assert!(refused.err.contains("CKR_PIN_LOCKED"), "{refused:#?}");

        let so = ["--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--new-pin", "123456"];
        bench.pkcs11_tool(reader, &so);
        bench.sc_hsm_tool(reader, &[]).says("User PIN tries left  : 3").says("SO-PIN tries left    : 15");
        verify(&bench, reader, "123456", 3);
        verify(&bench, reader, PIN, 2);
        bench.pkcs11_tool(reader, &["--login", "--pin", "123456", "--change-pin", "--new-pin", "8765 4321"]);
        verify(&bench, reader, "8765 4321", 3);
        verify(&bench, reader, "123456", 2);
    }
}

/// Verifies a PIN with one tool and reads with another how many tries that left.
#[track_caller]
fn verify(bench: &Bench, reader: usize, pin: &str, left: u8) {
    bench.pkcs15_tool(reader, &["--verify-pin", "--auth-id", "01", "--pin", pin]);
    bench.sc_hsm_tool(reader, &[]).says(&format!("User PIN tries left  : {left}"));
}

#[test]
fn a_wrong_so_pin_costs_a_try_and_erases_nothing() {
    let bench = Bench::new();
    for reader in [0, 1] {
        bench.initialize(reader, "0");
        bench.generate(reader, "EC:prime256v1", "11");
        bench.sc_hsm_tool(reader, &["--initialize", "--so-pin", "3030303030303030", "--pin", "111111"]);
        bench.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 14");
        verify(&bench, reader, PIN, 3);
        bench.pkcs15_tool(reader, &["--list-keys"]).says("EC:prime256v1");
        let so = ["--login", "--login-type", "so", "--so-pin", SO_PIN, "--change-pin", "--new-pin", "3132333435363738"];
        bench.pkcs11_tool(reader, &so);
        bench.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 15");
        // Only the new one initialises.
        bench.sc_hsm_tool(reader, &["--initialize", "--so-pin", SO_PIN, "--pin", "111111"]);
        bench.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 14");
        bench.sc_hsm_tool(reader, &["--initialize", "--so-pin", "3132333435363738", "--pin", "111111"]);
        bench.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 15");
        verify(&bench, reader, "111111", 3);
        bench.pkcs15_tool(reader, &["--list-keys"]).does_not_say("EC:prime256v1");
    }
}
