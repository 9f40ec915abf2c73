//! Runs inside the guest: takes the one token there over by libusb and sends it the commands in the arguments, one
//! after the other.
//!
//! `restart`, `list`, `read-only` (opens the node without the right to write), or a command APDU in hex.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use smartcard_hsm::apdu::Apdu;
use smartcard_hsm::channel::{Channel, Patience};
use smartcard_hsm::link::CcidLink;
use smartcard_hsm::text::Hex;
use smartcard_hsm_usb::{Found, UsbPort, discover};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let found = discover(Path::new("/sys"))?;
    if arguments == ["list"] {
        for Found { model, serial, product, port, .. } in found {
            println!("{port} {:04X}:{:04X} {serial:?} {product:?}", model.vendor, model.product);
        }
        return Ok(());
    }
    let [token] = found.as_slice() else { return Err(format!("expected one token, found {}", found.len()).into()) };
    let (write, arguments) = match arguments.split_first() {
        Some((first, rest)) if first == "read-only" => (false, rest),
        _ => (true, arguments),
    };
    let (port, descriptor) = UsbPort::open(File::options().read(true).write(write).open(token.node())?.into())?;
    let mut link = CcidLink::open(port, descriptor)?;
    println!("{:?} {}", link.descriptor().level, link.atr());
    for argument in arguments {
        match argument.as_str() {
            "restart" => match link.restart() {
                Ok(atr) => println!("restarted: {}", Hex(&atr)),
                Err(error) => println!("error: {error}"),
            },
            hex => match link.exchange(&apdu(hex)?, Patience::Ordinary) {
                Ok(reply) => println!("{} {}", reply.sw, Hex(reply.body())),
                Err(error) => println!("error: {error}"),
            },
        }
    }
    Ok(())
}

fn apdu(hex: &str) -> Result<Apdu, Box<dyn Error>> {
    let pairs = hex.as_bytes().chunks(2).map(std::str::from_utf8);
    let bytes = pairs.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    Ok(Apdu::parse(&bytes)?)
}
