"""Says of each file whether it is an entry by the grammar: grammar.py GRAMMAR FILE..."""
import sys
from pathlib import Path

from cddl_verifier import Validator

grammar, *files = map(Path, sys.argv[1:])
judge = Validator(grammar)
for file in files:
    print("valid" if judge.validate(file.read_bytes(), root_type="entry").valid else "invalid", file.name)
