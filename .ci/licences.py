"""Checks that every dependency can be used under a licence that deny.toml allows.

Usage: cargo metadata --format-version 1 | python3 licences.py deny.toml

Reads the same list as cargo-deny, which takes minutes to build and so does not run in CI.
"""

import json
import re
import sys
import tomllib


def satisfied(expression, allowed):
    """Whether an SPDX expression can be met with the allowed licences alone."""
    # Old manifests write "MIT/Apache-2.0" for OR; an exception ("WITH ...") only adds permissions.
    expression = re.sub(r"\s+WITH\s+[\w.+-]+", "", expression.replace("/", " OR "))
    words = re.findall(r"[()]|[\w.+-]+", expression)

    def either():
        met = both()
        while words and words[0] == "OR":
            words.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while words and words[0] == "AND":
            words.pop(0)
            met = one() and met
        return met

    def one():
        word = words.pop(0)
        if word == "(":
            met = either()
            words.pop(0)
            return met
        return word in allowed

    return either()


# The reader itself is checked each time: a check that says yes to everything is none.
for expression, expected in {
    "MIT": True,
    "MIT OR GPL-3.0": True,
    "GPL-3.0/MIT": True,
    "MIT AND GPL-3.0": False,
    "(MIT OR GPL-3.0) AND GPL-3.0": False,
    "(MIT OR GPL-3.0) AND MIT": True,
    "GPL-3.0 WITH Classpath-exception-2.0": False,
}.items():
    assert satisfied(expression, {"MIT"}) is expected, expression

with open(sys.argv[1], "rb") as file:
    allowed = set(tomllib.load(file)["licenses"]["allow"])
packages = json.load(sys.stdin)["packages"]
bad = [p for p in packages if not satisfied(p["license"] or "none-stated", allowed)]
for package in bad:
    print(f"{package['name']} {package['version']}: {package['license']}", file=sys.stderr)
if bad:
    sys.exit("licences: not allowed by deny.toml (above)")
print(f"{len(packages)} packages, all under allowed licences")
