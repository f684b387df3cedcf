#!/usr/bin/python3
"""verify_bundle.py FILE [--root ID]... [--json] -- judges a proof bundle, or a bare credential (SPEC 18).

ID is an identity id that the reader trusts. Exit status: 0 good, 6 wrong, 7 not known.
"""
import argparse
import json
import pathlib
import sys

from quirepy.award import bundle

WORDS = {"good": "good", "wrong": "wrong", "unknown": "not known"}


def words(result):
    yield f"verdict: {WORDS[result.verdict]}"
    for name, value in result.award.items():
        yield f"{name}: {value}"
    for title, lines in (("wrong", result.reasons), ("missing", result.missing), ("note", result.notes)):
        yield from (f"{title}: {line}" for line in lines)


def main():
    options = argparse.ArgumentParser(prog="verify_bundle.py", description="judges a proof bundle")
    options.add_argument("file", type=pathlib.Path)
    options.add_argument("--root", action="append", default=[], metavar="ID", help="an identity id that is trusted")
    options.add_argument("--json", action="store_true", help="the verdict as JSON")
    args = options.parse_args()
    try:
        roots = [bundle.id_of(r) for r in args.root]
        data = args.file.read_bytes()
    except (OSError, ValueError) as e:
        options.error(str(e))
    result = bundle.verify(data, roots)
    print(json.dumps(result.view(), indent=1) if args.json else "\n".join(words(result)))
    return bundle.EXIT[result.verdict]


if __name__ == "__main__":
    sys.exit(main())
