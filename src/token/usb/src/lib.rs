//! USB port of the token driver on libusb.
//!
//! libusb is handed a device node that is already open and never looks for devices itself. The appliance's kernel has
//! no sockets for that, and only the code that opened the node knows that the plan allows the device. [`discover()`]
//! reads sysfs.

mod discover;
mod port;

pub use discover::{Found, TEXT_CHARS_MAX, discover};
pub use port::{OpenError, UsbPort};

/// A kind of token this driver knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// idVendor.
    pub vendor: u16,
    /// idProduct.
    pub product: u16,
    /// The name that people use for it.
    pub name: &'static str,
    /// Whether its USB serial is that of the token; else it is the reader's, and no plan can name the token by it.
    pub tells_token: bool,
}

/// Every kind of token this driver knows. Nothing else is opened or listed.
pub const MODELS: [Model; 3] = [
    Model { vendor: 0x20a0, product: 0x4230, name: "Nitrokey HSM", tells_token: true },
    Model { vendor: 0x04e6, product: 0x5816, name: "CardContact SmartCard-HSM USB stick (TPDU)", tells_token: false },
    Model { vendor: 0x04e6, product: 0x5817, name: "CardContact SmartCard-HSM USB stick (APDU)", tells_token: false },
];

/// The kind of token with these numbers.
fn model(vendor: u16, product: u16) -> Option<Model> {
    MODELS.into_iter().find(|model| (model.vendor, model.product) == (vendor, product))
}
