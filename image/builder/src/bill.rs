//! The bill of materials: the pieces of the image as CycloneDX 1.6 (ECMA-424), and the licences in words. Both are
//! functions of the pieces, so that a rebuild gives the same bytes.

use conclave_publish::Digest;
use serde_json::{Value, json};

use crate::shipped::Piece;

/// The image as a whole.
pub(crate) struct Whole<'a> {
    /// Commit, and behind it the state of the tree, where strangers cannot rebuild it.
    pub(crate) revision: &'a str,
    /// The commit's date, RFC 3339.
    pub(crate) date: &'a str,
    pub(crate) iso: Digest,
}

/// `purl` of the image itself.
const IMAGE: &str = "pkg:generic/conclave";

/// The bill as a JSON document.
pub(crate) fn cyclonedx(whole: &Whole<'_>, pieces: &[Piece]) -> String {
    let sha256 = |digest: &Digest| json!([{ "alg": "SHA-256", "content": digest.to_string() }]);
    let component = |piece: &Piece| {
        let mut component = json!({
            "type": piece.kind,
            "bom-ref": piece.purl,
            "name": piece.name,
            "version": piece.version,
            "purl": piece.purl,
            "supplier": { "name": piece.supplier },
            "licenses": [{ "expression": piece.licence }],
            "properties": [{ "name": "conclave:source", "value": piece.source }],
        });
        if let (Some(digest), Some(fields)) = (&piece.digest, component.as_object_mut()) {
            fields.insert("hashes".into(), sha256(digest));
        }
        component
    };
    let contains = |piece: &&Piece| !pieces.iter().any(|other| other.needs.contains(&piece.purl));
    let top: Vec<&str> = pieces.iter().filter(contains).map(|piece| piece.purl.as_str()).collect();
    let mut dependencies = vec![json!({ "ref": IMAGE, "dependsOn": top })];
    dependencies.extend(pieces.iter().map(|piece| json!({ "ref": piece.purl, "dependsOn": piece.needs })));
    let bill: Value = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": whole.date,
            "component": {
                "type": "operating-system",
                "bom-ref": IMAGE,
                "name": "conclave",
                "version": whole.revision,
                "purl": IMAGE,
                "supplier": { "name": "Conclave" },
                "licenses": [{ "expression": "Apache-2.0" }],
                "hashes": sha256(&whole.iso),
            },
        },
        "components": pieces.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    format!("{bill:#}\n")
}

/// The licences: a line for each piece, where each one's source is, and then every licence text once.
pub(crate) fn licences(whole: &Whole<'_>, pieces: &[Piece]) -> String {
    let mut page = format!(
        "What the Conclave boot image is made of, under which licences, and where its source is.\n\n\
         revision {}\nimage    SHA-256 {}\n\n\
         Who passes the image on passes on this file, conclave.cdx.json and, for the pieces under the GPL and the LGPL,\n\
         the sources named here: the GPL wants them offered with it. scripts/image builds the image from them again, so\n\
         each may be changed and linked anew.\n\n",
        whole.revision, whole.iso
    );
    for piece in pieces {
        page += &format!("{} {}: {}\n    source: {}\n", piece.name, piece.version, piece.licence, piece.source);
    }
    let mut texts: Vec<(&str, Vec<String>)> = Vec::new();
    for piece in pieces {
        for (file, text) in &piece.texts {
            let owner = format!("{} {} ({file})", piece.name, piece.version);
            match texts.iter_mut().find(|(known, _)| *known == text.trim()) {
                Some((_, owners)) => owners.push(owner),
                None => texts.push((text.trim(), vec![owner])),
            }
        }
    }
    for (text, owners) in texts {
        page += &format!("\n{}\n{}:\n\n{text}\n", "=".repeat(80), owners.join(",\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(name: &str, needs: &[&str]) -> Piece {
        Piece {
            purl: format!("pkg:cargo/{name}@1"),
            name: name.into(),
            version: "1".into(),
            kind: "library",
            supplier: "crates.io",
            digest: Some(Digest::of(name.as_bytes())),
            licence: "MIT".into(),
            texts: vec![("LICENSE".into(), "Permission is granted.\n".into())],
            source: "the crate itself".into(),
            needs: needs.iter().map(|&purl| purl.into()).collect(),
        }
    }

    fn whole() -> Whole<'static> {
        Whole { revision: "0123", date: "2026-11-22T00:00:00Z", iso: Digest::of(b"iso") }
    }

    #[test]
    fn the_image_contains_what_nothing_else_needs() {
        let text = cyclonedx(&whole(), &[piece("a", &["pkg:cargo/b@1"]), piece("b", &[])]);
        let bill: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bill["dependencies"][0], json!({ "ref": IMAGE, "dependsOn": ["pkg:cargo/a@1"] }));
        assert_eq!(bill["dependencies"][1], json!({ "ref": "pkg:cargo/a@1", "dependsOn": ["pkg:cargo/b@1"] }));
        assert_eq!(bill["components"][1]["hashes"][0]["content"], Digest::of(b"b").to_string());
        assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], Digest::of(b"iso").to_string());
    }

    #[test]
    fn a_text_that_two_pieces_share_is_printed_once_under_both_names() {
        let mut other = piece("c", &[]);
        other.texts.push(("NOTICE".into(), "By somebody.".into()));
        let page = licences(&whole(), &[piece("a", &[]), piece("b", &[]), other]);
        assert_eq!(page.matches("Permission is granted.").count(), 1, "{page}");
        assert!(page.contains("a 1 (LICENSE),\nb 1 (LICENSE),\nc 1 (LICENSE):\n\nPermission"), "{page}");
        assert!(page.ends_with("c 1 (NOTICE):\n\nBy somebody.\n"), "{page}");
    }
}
