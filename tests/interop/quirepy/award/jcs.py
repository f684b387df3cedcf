"""JSON, read strictly, and its canonical form (RFC 8785). Values are None, bool, int, float, str, list and dict."""
import json
import math

DEPTH_MAX = 64


class BadJson(ValueError):
    """Text that is not JSON, is ambiguous, or has no canonical form."""


def _pairs(items):
    found = dict(items)
    if len(found) != len(items):
        raise BadJson("a name stands twice in an object")
    return found


def _refuse(word):
    raise BadJson(f"{word} is not JSON")


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise BadJson("a number outside of binary64")
    return int(value) if value == int(value) and abs(value) < 1 << 53 else value


def _integer(text):
    if len(text) > 400 or not math.isfinite(float(text)):
        raise BadJson("an integer that is not exactly a double")
    if int(float(text)) != int(text) and number(float(text)) != text:
        raise BadJson("an integer that is not exactly a double")
    return _number(text)


def parse(text):
    """The value of a JSON text (str, or bytes of UTF-8)."""
    try:
        if isinstance(text, (bytes, bytearray)):
            text = bytes(text).decode("utf-8")
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise BadJson("too deep") from None
    except (ValueError, OverflowError) as e:
        raise BadJson(str(e)) from None
    _check(value, 0)
    return value


def _check(value, depth):
    if isinstance(value, str):
        if "\0" in value or "\ufffe" in value or "\uffff" in value:
            raise BadJson("U+0000, U+FFFE or U+FFFF")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadJson("half a surrogate pair") from None
    elif isinstance(value, (list, dict)):
        if depth >= DEPTH_MAX:
            raise BadJson("too deep")
        for item in value:
            _check(item, depth + 1)
            if isinstance(value, dict):
                _check(value[item], depth + 1)


def number(value):
    """A number as ECMAScript writes it."""
    if isinstance(value, int) and abs(value) < 1 << 53:
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        raise BadJson("not a finite number")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    k, sign = len(digits), "-" if value < 0 else ""
    if k <= point <= 21:
        return sign + digits + "0" * (point - k)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if k > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _string(value):
    return '"' + "".join(_SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'


def canonical(value):
    """The canonical text of a value, as str."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    names = sorted(value, key=lambda n: n.encode("utf-16-be"))
    return "{" + ",".join(_string(n) + ":" + canonical(value[n]) for n in names) + "}"


def read_canonical(text):
    """The value of a text that must be in canonical form."""
    value = parse(text)
    if canonical(value) != text:
        raise BadJson("not in canonical form")
    return value
