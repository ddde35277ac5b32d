"""What answers differ in although nothing is wrong: the entries of differences.json, for the comparisons with real servers. The
replay of recorded answers (Tests/ConformanceTests) masks the same entries."""
import json
import os
import re

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.json"), encoding="utf-8") as _file:
    ENTRIES = json.load(_file)


def _of(kind):
    return [e for e in ENTRIES if e["kind"] == kind]


def pattern(kind, *names):
    """All patterns of a kind as one, or those of these names."""
    return "|".join(f"(?:{e['find']})" for e in _of(kind) if not names or e["name"] in names)


def _rewrites(kind):
    return [(e["find"], re.sub(r"\$(\d)", r"\\\1", e["replace"])) for e in _of(kind)]


# (pattern, replacement) for bodies in JSON, to be applied in this order; and for the texts of errors.
REWRITES, ERRORS = _rewrites("rewrite"), _rewrites("error")
# The same for what rules and their tests tell.
RULES = _rewrites("rules")
# Annotations that are not compared.
ANNOTATIONS = pattern("annotation")
# Fields of JSON that are not compared.
FIELDS = [name for e in _of("fields") for name in e["names"]]


def uncounted(query):
    """The fields of the statistics that are not compared."""
    return [name for e in _of("statistics") if re.search(e["find"], query) for name in e["names"]]


def compared(headers):
    """Those of some headers of answers that are compared."""
    return [h for h in headers if not any(re.fullmatch(e["find"], h.lower()) for e in _of("header"))]


def exposition(name):
    """Whether a case is not compared."""
    return any(re.fullmatch(e["find"], name) for e in _of("exposition"))


def push_error(text):
    """The name of the entry that keeps an error from being compared word for word."""
    return next((e["name"] for e in _of("push-error") if re.search(e["find"], text)), None)
