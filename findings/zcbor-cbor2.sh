#!/usr/bin/env bash
# zcbor 0.9.1, a CDDL tool of the package index, has two ways not to begin.
# It asks for cbor2 without an upper bound, so an installation of today brings cbor2 6: names that zcbor imports are gone from that
# one. With cbor2 5 it starts, and still opens no CBOR file by name: the file is opened as bytes and with a text encoding at once.
# The same bytes on standard input validate.
# Needs python3 with venv and pip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# RFC 8610: an array of a number and a byte string, and one such array.
echo 'pair = [uint, bstr]' >pair.cddl
printf '\202\001\102\253\315' >pair.cbor
# say OUTPUT WHAT: the last line of what a run said, or that it was content.
say() { printf '  %s: %s\n' "$2" "$([ -s "$1" ] && tail -n 1 "$1" | cut -c1-80 || echo validates)"; }

for cbor2 in 5.9.0 6.3.0; do
    python3 -m venv "$cbor2"
    "$cbor2/bin/pip" install -q --disable-pip-version-check zcbor==0.9.1 "cbor2==$cbor2"
    echo "zcbor 0.9.1 with cbor2 $cbor2"
    zcbor=("$cbor2/bin/zcbor" validate -c pair.cddl -t pair --input-as cbor)
    "${zcbor[@]}" -i - <pair.cbor >/dev/null 2>"$cbor2.stdin" || true
    "${zcbor[@]}" -i pair.cbor >/dev/null 2>"$cbor2.file" || true
    say "$cbor2.stdin" 'standard input'
    say "$cbor2.file" 'a file by name'
done
if [ ! -s 5.9.0.stdin ] && grep -q "binary mode doesn't take an encoding" 5.9.0.file &&
    grep -q "cannot import name 'CBORDecodeValueError'" 6.3.0.stdin; then
    echo 'as found: cbor2 5 and standard input only'
else
    echo 'changed: the lines above are other than they were'
    exit 1
fi
