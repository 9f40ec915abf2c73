//! The plan as it is written: every key there is, names not yet looked up, each value with its place in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type At<T> = Spanned<T>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Plan {
    /// Read from the first line, before anything else.
    #[serde(rename = "conclave")]
    _format: i64,
    pub(super) title: At<String>,
    pub(super) kind: At<String>,
    #[serde(default)]
    pub(super) policies: Vec<At<String>>,
    #[serde(default)]
    pub(super) accepts: Vec<At<String>>,
    pub(super) ports: At<i64>,
    pub(super) window: At<Window>,
    #[serde(default)]
    pub(super) names: BTreeMap<At<String>, At<String>>,
    #[serde(default, rename = "person")]
    pub(super) people: Vec<At<Person>>,
    #[serde(default, rename = "bag")]
    pub(super) bags: Vec<At<Bag>>,
    #[serde(default, rename = "token")]
    pub(super) tokens: Vec<At<Token>>,
    #[serde(default, rename = "drive")]
    pub(super) drives: Vec<At<Drive>>,
    #[serde(default, rename = "hub")]
    pub(super) hubs: Vec<At<Hub>>,
    #[serde(default, rename = "share")]
    pub(super) shares: Vec<At<Share>>,
    #[serde(default, rename = "key")]
    pub(super) keys: Vec<At<Key>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Window {
    pub(super) from: At<String>,
    pub(super) until: At<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Person {
    pub(super) id: At<String>,
    pub(super) organisation: At<String>,
    pub(super) roles: Vec<At<String>>,
    pub(super) alternate_for: Option<At<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bag {
    pub(super) number: At<String>,
    pub(super) place: At<String>,
    pub(super) holder: At<String>,
    #[serde(default)]
    pub(super) fireproof: bool,
}

/// Exactly one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Custody {
    pub(super) bag: Option<At<String>>,
    pub(super) keeper: Option<At<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Token {
    pub(super) name: At<String>,
    pub(super) serial: At<String>,
    pub(super) before: At<String>,
    pub(super) label: At<String>,
    pub(super) custody: At<Custody>,
    pub(super) pin: At<Custody>,
    pub(super) pin_tries: Option<At<i64>>,
    pub(super) so_pin: At<Custody>,
    pub(super) so_pin_may: Option<At<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Drive {
    pub(super) name: At<String>,
    pub(super) serial: At<String>,
    pub(super) size: At<i64>,
    pub(super) volume: At<String>,
    pub(super) holds: At<String>,
    pub(super) spare: Option<At<bool>>,
    pub(super) custody: At<Custody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hub {
    pub(super) name: At<String>,
    pub(super) usb: At<Vec<At<String>>>,
    pub(super) number: Option<At<i64>>,
    pub(super) ports: At<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Share {
    pub(super) custodian: At<String>,
    pub(super) drive: At<String>,
    pub(super) passphrase: At<Custody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Key {
    pub(super) label: At<String>,
    pub(super) id: At<String>,
    pub(super) algorithm: At<String>,
    pub(super) purpose: At<String>,
    pub(super) master: At<String>,
    #[serde(default)]
    pub(super) copies: Vec<At<String>>,
    pub(super) certificate: At<Certificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Certificate {
    pub(super) usage: At<String>,
    pub(super) path_length: Option<At<i64>>,
    pub(super) not_before: At<String>,
    pub(super) not_after: At<String>,
    pub(super) subject: At<Subject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    #[serde(rename = "C")]
    pub(super) country: Option<String>,
    #[serde(rename = "ST")]
    pub(super) state: Option<String>,
    #[serde(rename = "L")]
    pub(super) locality: Option<String>,
    #[serde(rename = "O")]
    pub(super) organization: Option<String>,
    #[serde(rename = "OU")]
    pub(super) unit: Option<String>,
    #[serde(rename = "CN")]
    pub(super) common_name: String,
}
