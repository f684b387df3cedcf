"""judge.py -- compares what the verifiers said with what they must say. Prints words; exit status 1 if something is wrong.

judge.py accepted FOLDER FILE...   every verifier accepts each file
judge.py expected FOLDER FILE...   each file is accepted by those whose proofs it has, and by no other (ok and not ok lines)
judge.py refused FOLDER FILE...    no verifier accepts any of the files
judge.py mutations FOLDER INDEX    the unchanged copy is accepted; every other is refused by all that check what was changed
FOLDER holds node.jsonl and pyld.jsonl.
"""
import json
import os
import re
import sys

# Who checks which suite.
VERIFIERS = {
    "Digital Bazaar (jcs)": ("node", "jcs", "jcs"),
    "Digital Bazaar (rdfc)": ("node", "rdfc", "rdfc"),
    "DCC verifier-core": ("node", "core", "rdfc"),
    "PyLD (jcs)": ("pyld", "jcs", "jcs"),
    "PyLD (rdfc)": ("pyld", "rdfc", "rdfc"),
}
# The one thing that verifier-core wants from the network for a badge that it accepts; it takes a failure as "not checked".
SCHEMA = re.compile(r"fetch https://purl\.imsglobal\.org/spec/ob/v3p0/schema/json/ob_v3p0_\w+credential_schema\.json")


def jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Verdicts:
    def __init__(self, folder):
        self.by = {side: {r["file"]: r for r in jsonl(os.path.join(folder, f"{side}.jsonl"))} for side in ("node", "pyld")}

    def of(self, name, path):
        """Accepted or not, and the reason. A file without a verdict is an error."""
        side, part, _ = VERIFIERS[name]
        verdict = self.by[side][path][part]
        why = verdict.get("why") or "; ".join(verdict.get("errors", [])) or json.dumps(verdict.get("steps", {}))
        return verdict["ok"], why[:200]

    def strange_attempts(self, path):
        return [a for a in self.by["node"][path]["attempts"] if not SCHEMA.fullmatch(a)]


def suites_in(path):
    with open(path, encoding="utf-8") as f:
        proof = json.load(f)["proof"]
    names = {p.get("cryptosuite") for p in (proof if isinstance(proof, list) else [proof])}
    return {s for s in ("jcs", "rdfc") if f"eddsa-{s}-2022" in names}


def differences(verdicts, path, wanted):
    """What is said otherwise than wanted: {verifier: accepts}."""
    out = []
    for name, accepts in wanted.items():
        ok, why = verdicts.of(name, path)
        if ok != accepts:
            out.append(f"{name} accepts it" if ok else f"{name} refuses it: {why}")
    return out


def accepted(verdicts, files):
    wrong = 0
    for path in files:
        for name in VERIFIERS:
            ok, why = verdicts.of(name, path)
            wrong += not ok
            print(f"{os.path.basename(path)}: {name} {'accepts it' if ok else 'refuses it: ' + why}")
        for a in verdicts.strange_attempts(path):
            wrong += 1
            print(f"{os.path.basename(path)}: something tried the network: {a}")
    return wrong


def expected(verdicts, files):
    wrong = 0
    for path in files:
        has = suites_in(path)
        wanted = {name: suite in has for name, (_, _, suite) in VERIFIERS.items()}
        out = differences(verdicts, path, wanted) + verdicts.strange_attempts(path)
        wrong += bool(out)
        yes = ", ".join(n for n, w in wanted.items() if w)
        no = ", ".join(n for n, w in wanted.items() if not w) or "nobody"
        text = f"{os.path.basename(path)}: accepted by {yes}; refused by {no}"
        print(f"not ok - {text}: {'; '.join(out)}" if out else f"ok - {text}")
    return wrong


def refused(verdicts, files):
    wrong = [f"{os.path.basename(p)}: {d}" for p in files for d in differences(verdicts, p, dict.fromkeys(VERIFIERS, False))]
    print("\n".join(wrong) or f"{len(files)} refused by all")
    return len(wrong)


def mutations(verdicts, index):
    entries, wrong, refusals = jsonl(index), 0, 0
    for e in entries:
        changed = e["change"] != "unchanged"
        # A change that a suite does not sign is no matter for its verifiers.
        wanted = {n: not changed for n, (_, _, suite) in VERIFIERS.items() if not changed or suite in e["suites"]}
        out = differences(verdicts, e["file"], wanted)
        refusals += len(wanted) if changed else 0
        wrong += bool(out) or not wanted
        for d in out:
            print(f"{e['change']}: {d}")
    unchanged = sum(e["change"] == "unchanged" for e in entries)
    if unchanged != 1:
        wrong += 1
        print(f"{unchanged} unchanged copies, not one")
    print(f"{len(entries) - 1} changed copies, {refusals} refusals, {wrong} copies judged wrongly")
    return wrong


if __name__ == "__main__":
    verbs = {"accepted": accepted, "expected": expected, "refused": refused, "mutations": mutations}
    if len(sys.argv) < 4 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    if sys.argv[1] == "mutations":
        sys.exit(mutations(Verdicts(sys.argv[2]), sys.argv[3]) > 0)
    sys.exit(verbs[sys.argv[1]](Verdicts(sys.argv[2]), sys.argv[3:]) > 0)
