"""Definitions of micro-credentials: the table of SPEC 16.3."""
import re

from ..records import KINDS

MIN_SUM = 64


class BadDefinition(ValueError):
    """JSON that is no definition; the text says where."""


def need(condition, where):
    if not condition:
        raise BadDefinition(where)


def blank(text):
    return not text.strip("\t\n\r ")


def _text(low, high):
    def check(v, where):
        need(isinstance(v, str) and low <= len(v.encode("utf-8")) <= high and not blank(v), where)
    return check


def _whole(low, high):
    def check(v, where):
        need(type(v) is int and low <= v <= high, where)
    return check


def _bool(v, where):
    need(isinstance(v, bool), where)


def _word(*words):
    def check(v, where):
        need(isinstance(v, str) and v in words, where)
    return check


def _name(v, where):
    need(isinstance(v, str) and re.fullmatch("[a-z0-9-]{1,64}", v), where)


def _list(low, high, item):
    def check(v, where):
        need(isinstance(v, list) and low <= len(v) <= high, where)
        for i, one in enumerate(v):
            item(one, f"{where}[{i}]")
        need(all(a != b for i, a in enumerate(v) for b in v[:i]), f"{where}: a duplicate")
    return check


def _object(must, may):
    """An object with just these members: must and may are {name: check}."""
    def check(v, where):
        need(isinstance(v, dict), where)
        for name in v:
            need(name in must or name in may, f"{where}: unknown member {name}")
        for name in must:
            need(name in v, f"{where}: no {name}")
        for name, value in v.items():
            (must.get(name) or may[name])(value, f"{where}.{name}")
    return check


def _distinct(v, where):
    need(len({i["id"] for i in v}) == len(v), f"{where}: two have one id")


def _language(v, where):
    _text(2, 35)(v, where)
    need(re.fullmatch("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", v), where)


def _uri(v, where):
    _text(3, 2048)(v, where)
    need(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", v), where)


_requirement = _object(
    {"id": _name, "kind": _word("artifact", "reflection"), "prompt": _text(1, 2000)},
    {"section": _text(1, 100), "evidence_kinds": _list(1, 12, _word(*KINDS)), "min": _whole(0, 16), "max": _whole(1, 16), "words_max": _whole(1, 10000)},
)
_level = _object({"id": _name, "name": _text(1, 200), "description": _text(1, 2000)}, {"points": _whole(0, 1000)})
_criterion = _object({"id": _name, "name": _text(1, 200), "levels": _list(2, 8, _level), "required_level": _name}, {})
_review = _object(
    {"reviewers": _whole(1, 5)},
    {"blind": _bool, "same_school": _bool, "days": _whole(1, 365), "resubmissions_max": _whole(0, 50), "countersign": _word("officer", "automatic")},
)
_alignment = _object({"framework": _text(1, 500), "name": _text(1, 500), "url": _uri}, {"code": _text(1, 100)})
_texts = _list(1, 32, _text(1, 1000))
_tags = _list(1, 32, _text(1, 64))
_whole_object = _object(
    {"title": _text(1, 200), "competency": _text(1, 1000), "key_method": _text(1, 4096), "research": _texts,
     "requirements": _list(1, 16, _requirement), "rubric": _list(1, 16, _criterion), "review": _review},
    {"method_components": _texts, "resources": _texts, "problems": _texts, "categories": _tags, "tags": _tags, "complexity": _whole(1, 5), "language": _language,
     "licence": _text(1, 100), "scoring_guide": _text(1, 8192), "valid_months": _whole(1, 600), "alignment": _list(1, 16, _alignment)},
)


def limits(requirement):
    """(min, max) with the defaults."""
    low = requirement.get("min", 1)
    return low, requirement.get("max", max(1, low))


def check(d):
    """Raises BadDefinition unless d is a definition."""
    _whole_object(d, "definition")
    _distinct(d["requirements"], "requirements")
    _distinct(d["rubric"], "rubric")
    for r in d["requirements"]:
        low, high = limits(r)
        need(low <= high, f"requirement {r['id']}: max below min")
        need(r["kind"] == "artifact" or "evidence_kinds" not in r, f"requirement {r['id']}: evidence_kinds of a reflection")
        need(r["kind"] == "reflection" or "words_max" not in r, f"requirement {r['id']}: words_max of an artifact")
    need(sum(limits(r)[0] for r in d["requirements"]) <= MIN_SUM, "requirements: more than 64 items")
    for c in d["rubric"]:
        _distinct(c["levels"], f"criterion {c['id']}")
        ids = [level["id"] for level in c["levels"]]
        need(c["required_level"] in ids[1:], f"criterion {c['id']}: required_level")
        points = [level["points"] for level in c["levels"] if "points" in level]
        need(points == sorted(points), f"criterion {c['id']}: falling points")
    names = [name for c in d["rubric"] for name in (c["id"], *(f"{c['id']}-{level['id']}" for level in c["levels"]))]
    need(len(set(names)) == len(names), "rubric: two names of the credential would be one")


def review_rule(d, name):
    """A member of review, with its default."""
    return d["review"].get(name, {"blind": False, "same_school": False, "days": 14, "resubmissions_max": 5, "countersign": "officer"}.get(name))


def levels(criterion):
    return [level["id"] for level in criterion["levels"]]
