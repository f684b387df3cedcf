"""Small changes of C text: another relation, another operator, a number off by one, a condition turned round, a statement left out.
Comments, strings, directives and declarations are passed over."""
import random
import re

TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<name>[A-Za-z_]\w*)|(?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
    |(?P<op><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])""",
    re.S | re.M | re.X,
)
SWAP = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["/"],
    "+=": ["-="], "-=": ["+="], "|=": ["&="], "&=": ["|="], "++": ["--"], "--": ["++"], "<<": [">>"], ">>": ["<<"],
}
NOT_CALLS = {"if", "while", "for", "switch", "return", "sizeof", "_Static_assert", "case", "do", "else"}
BINARY = {"+", "-", "*", "/", "%", "<", ">"}


def tokens(text):
    return [m for m in TOKEN.finditer(text) if m.lastgroup != "skip"]


def bodies(toks):
    """Indexes of the tokens inside of functions, with the depth of their braces: a brace at depth 0 behind `)` opens one."""
    depth, inside, out = 0, False, []
    for i, t in enumerate(toks):
        if t.group() == "{":
            if depth == 0:
                inside = i > 0 and toks[i - 1].group() == ")"
            depth += 1
        elif t.group() == "}":
            depth -= 1
        elif inside and depth:
            out.append(i)
    return out


def is_binary(toks, i):
    left, right = toks[i - 1], toks[i + 1]
    if left.lastgroup == "op" and left.group() not in {")", "]"}:
        return False
    # `struct x *p`, `uint64_t *p`, `(size_t)-1`: types.
    if toks[i].group() == "*" and (left.lastgroup == "name" and (right.lastgroup == "name" or right.group() == "*")):
        return not (left.group().endswith("_t") or toks[i - 2].group() in {"struct", "enum", "const", "(", ";", "{", "}", ","})
    return left.group() not in NOT_CALLS


def closing(toks, i):
    depth = 0
    for k in range(i, len(toks)):
        depth += {"(": 1, ")": -1}.get(toks[k].group(), 0)
        if depth == 0:
            return k
    return None


def at_tokens(text, toks):
    for i in bodies(toks):
        t, word = toks[i], toks[i].group()
        if t.lastgroup == "op" and word in SWAP and (word not in BINARY or is_binary(toks, i)):
            for other in SWAP[word]:
                yield word, t.start(), t.end(), other, f"{word} becomes {other}"
        elif t.lastgroup == "number" and not word.lower().startswith("0x"):
            value, suffix = re.match(r"(\d+)(.*)", word).groups()
            yield "number", t.start(), t.end(), f"{int(value) + 1}{suffix}", f"{word} becomes {int(value) + 1}"
        elif word in {"if", "while"} and toks[i + 1].group() == "(":
            end = closing(toks, i + 1)
            if end:
                a, b = toks[i + 1].end(), toks[end].start()
                yield "condition", a, b, f"!({text[a:b]})", f"{word}: the condition is turned round"
        elif word in {"true", "false"}:
            other = "false" if word == "true" else "true"
            yield "truth", t.start(), t.end(), other, f"{word} becomes {other}"


def statements(text, toks):
    """Assignments and calls that stand alone, from one `;`, `{` or `}` to the next `;`."""
    inside = set(bodies(toks))
    for i in inside:
        if toks[i].lastgroup != "name" or toks[i].group() in NOT_CALLS or toks[i - 1].group() not in {";", "{", "}"}:
            continue
        if toks[i + 1].group() not in {"(", "->", ".", "=", "[", "++", "--", "+=", "-=", "|=", "&="}:
            continue
        end = i
        while toks[end].group() not in {";", "{", "}"}:
            end += 1
        if toks[end].group() == ";":
            yield "statement", toks[i].start(), toks[end].end(), ";", f"left out: {' '.join(text[toks[i].start():toks[end].end()].split())[:70]}"


def mutations(path, text):
    """(kind, (path, line, start, end, new text, what)) of each change that can be made."""
    toks = tokens(text)
    for kind, start, end, new, what in [*at_tokens(text, toks), *statements(text, toks)]:
        yield kind, (path, text.count("\n", 0, start) + 1, start, end, new, what)


def draw(files, seed):
    """files: {path: text}. Each kind of change is as likely as the others, whatever there is more of."""
    chance = random.Random(seed)
    kinds = {}
    for path, text in sorted(files.items()):
        for kind, m in mutations(path, text):
            kinds.setdefault(kind, []).append(m)
    words = sorted(kinds)
    while any(kinds.values()):
        all_of = kinds[chance.choice(words)]
        if all_of:
            yield all_of.pop(chance.randrange(len(all_of)))
