#!/usr/bin/env bash
# zcbor 0.9.1 refuses a map whose member is named by a bare word, `{ seq: uint }`. RFC 8610 3.5.1 makes that word the key, a text
# string, and most published grammars name their members so. With the word in quotes the same grammar is taken.
# Needs python3 with venv and pip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv tool
tool/bin/pip install -q --disable-pip-version-check zcbor==0.9.1 cbor2==5.6.5
echo 'zcbor 0.9.1 with cbor2 5.6.5'
# The map {"seq": 5}.
printf '\241\143seq\005' >map.cbor
echo 'entry = { seq: uint }' >bare.cddl
echo 'entry = { "seq": uint }' >quoted.cddl
for grammar in bare quoted; do
    tool/bin/zcbor validate -c "$grammar.cddl" -t entry --input-as cbor -i - <map.cbor >/dev/null 2>"$grammar.said" || true
    printf '  %s: %s\n' "$(cat "$grammar.cddl")" "$([ -s "$grammar.said" ] && tail -n 1 "$grammar.said" || echo validates)"
done
if grep -q 'Map member(s) must have key' bare.said && [ ! -s quoted.said ]; then
    echo 'as found: only the quoted name is a key'
else
    echo 'changed: the lines above are other than they were'
    exit 1
fi
