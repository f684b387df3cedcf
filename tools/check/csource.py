"""What the checks share: the tracked files, C text without comments or strings, reasoned exceptions, the verdict."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])*')""", re.S
)


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-z", "--", *patterns], check=True, capture_output=True).stdout
    return [f for f in out.decode().split("\0") if f and os.path.isfile(f)]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def blank(text):
    """The same shape with only its newlines left, so that line numbers hold."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    return TOKEN.sub(lambda m: blank(m.group()) if m.lastgroup != "string" else '""' + blank(m.group())[2:], text)


def comments(text):
    """(line, words) of each comment, without its marks and the stars down its side."""
    for m in TOKEN.finditer(text):
        if m.lastgroup == "comment":
            words = re.sub(r"\n[ \t]*\*(?!/)", "\n", m.group().removeprefix("/*").removeprefix("//").removesuffix("*/"))
            yield text.count("\n", 0, m.start()) + 1, words


def strings(text):
    for m in TOKEN.finditer(text):
        if m.lastgroup == "string":
            yield text.count("\n", 0, m.start()) + 1, m.group()[1:-1]


def exceptions(check):
    """{subject: reason} from the list, of those for this machine; a line without a reason is refused."""
    found = {}
    path = "tools/check/exceptions.txt"
    for line in read(path).splitlines() if os.path.exists(path) else []:
        if line.strip() and not line.startswith("#"):
            part = line.split(None, 2)
            if len(part) < 3:
                sys.exit(f"{path}: an exception needs a reason: {line}")
            subject, _, machine = part[1].partition("@")
            if part[0] == check and machine in ("", os.uname().machine):
                found[subject] = part[2]
    return found


class Verdict:
    """Collects faults; excused() notes an exception as used, and one that excuses nothing is itself a fault."""

    def __init__(self, check):
        self.check, self.faults = check, []
        self.allowed, self.used = exceptions(check), set()

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def excused(self, subject):
        if subject in self.allowed:
            self.used.add(subject)
            return True
        return False

    def end(self, proved):
        for subject in sorted(set(self.allowed) - self.used):
            self.fault("tools/check/exceptions.txt", f"excuses nothing any more: {self.check} {subject}")
        for f in self.faults:
            print(f"{self.check}: {f}")
        if self.faults:
            sys.exit(1)
        print(f"{self.check}: {proved}" + (f"; {len(self.used)} reasoned exceptions" if self.used else ""))
