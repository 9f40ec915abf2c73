use super::*;

#[test]
fn certificates_and_data_are_kept_shown_and_deleted() {
    let bench = Bench::new();
    for reader in [0, 1] {
        bench.initialize(reader, "0");
        bench.generate(reader, "EC:prime256v1", "11");
        fs::write(bench.readers.file("data"), "seen by all").unwrap();
        fs::write(bench.readers.file("secret"), "seen with the PIN").unwrap();
        let certificate =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-subj", "/CN=object"];
        bench.readers.openssl([&certificate[..], &["-days", "2", "-outform", "DER", "-out", "cert.der"]].concat());

        let write = |args: &[&str]| bench.pkcs11_tool_logged_in(reader, &[&["--write-object"], args].concat());
        write(&["cert.der", "--type", "cert", "--id", "11", "--label", "certificate"]);
        write(&["data", "--type", "data", "--label", "open", "--application-label", "test"]);
        write(&["secret", "--type", "data", "--label", "closed", "--application-label", "test", "--private"]);

        let listed = bench.pkcs15_tool(reader, &["--dump"]);
        listed.says("X.509 Certificate [certificate]").says("Data object 'open'").says("Data object 'closed'");
        bench.pkcs15_tool(reader, &["--read-certificate", "11", "--output", "back.pem"]);
        let back = bench.readers.openssl(["x509", "-in", "back.pem", "-noout", "-fingerprint"]);
        back.says("Fingerprint=");
        let sent = bench.readers.openssl(["x509", "-inform", "DER", "-in", "cert.der", "-noout", "-fingerprint"]);
        assert_eq!(back.out, sent.out);
        let read = ["--read-object", "--type", "data", "--label"];
        bench.pkcs11_tool(reader, &[&read[..], &["open"]].concat()).says("seen by all");
        bench.pkcs11_tool(reader, &[&read[..], &["closed"]].concat()).does_not_say("seen with the PIN");
        // PKCS#11 hides it by itself; the card must refuse it too.
        let number = reader.to_string();
        let select = "00A404000BE82B0601040181C31F020100";
        let sent = ["--reader", &number, "--send-apdu", select, "--send-apdu", "00B1CD01045402000000"];
        bench.readers.run("opensc-tool", sent).says("SW1=0x69, SW2=0x82").does_not_say("seen with");
        bench.pkcs11_tool_logged_in(reader, &[&read[..], &["closed"]].concat()).says("seen with the PIN");

        let delete = ["--delete-object", "--type"];
        bench.pkcs11_tool_logged_in(reader, &[&delete[..], &["data", "--label", "open"]].concat());
        bench.pkcs11_tool_logged_in(reader, &[&delete[..], &["privkey", "--id", "11"]].concat());
        let left = bench.pkcs15_tool(reader, &["--dump"]);
        left.does_not_say("Data object 'open'").does_not_say("Private EC Key").says("Data object 'closed'");
    }
}
