#!/usr/bin/env python3
"""Writes pydantic_cases.tsv: what pydantic (2.x) makes of JSON values for the types of inputs.

Columns: type, JSON value, and either "= value" or the error's type, message and context.
Values: an integer; a float as Python's hex; a time as microseconds since 1970 (a zone converted
to UTC). Where fraudd differs on purpose (docs/features.md, "Values") the case is left out.

    pydantic_cases.py > pydantic_cases.tsv            the kept table
    pydantic_cases.py --random 200000 SEED > FILE     the same for random texts
"""
import json
import random
import re
import sys
from datetime import date, datetime, timedelta, timezone
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

TYPES = {
    "integer": TypeAdapter(int),
    "number": TypeAdapter(Annotated[float, Field(allow_inf_nan=False)]),
    "category": TypeAdapter(str),
    "datetime": TypeAdapter(datetime),
    "date": TypeAdapter(date),
}

VALUES = """1 -1 0 3.0 3.5 1e3 1e20 1E2 1e400 -1e400 9223372036854775807 -9223372036854775808
9223372036854775807.0 true false null {} [] -0.0 1494012000 1494012000.5 1494012000.123456789
-1.5 20000000000 20000000001 -20000000001 1494012000000 253402300799 253402300799000
253402300800000 1e12 -62135596800000 -62135596801000 -62167219200000 -62167219201000 86400 86401
86400.0 -86400 20260101 86400000 0.5 -0.5 253402214400000 1494012000000.5 20000000000.5
20000000001.5 -20000000001.5 -0.0000001 1.9999999 1.0000005""".split()

NUMBERS = """12 +12 -12 12.0 12. 12.000 12.5 .5 -.5 5. +5. 1e3 1E3 1e+3 1_000 1__000 _1 1_ 1_000.5
1.5_5 1e1_0 inf -inf +inf Infinity infinity INF nan NaN -nan 1e400 -1e400 0x10 1,000 abc true 1e e1
1.2.3 --1 +-1 00012 0 -0 -0.0 9223372036854775807 -9223372036854775808 99999999999999999999999.5
12.0_0 1e3.0 0.0 .0 . - + 1_000_000 +1_0 -1_0 00_1 0_1 1.0e2 12.00000000000000000000000000000 1e0
1_000.0 1_.5 1._5 1e_5 1_e5 1e5_ _1.5 1.5_ -_1 +_1 -.0 1e+ 1e- +.5 -5. .e1 5.e1 .5e1 0_0 infinity_
in_f nan_ 1e-400 4.9e-324 2.4e-324 1.7976931348623157e308 1.7976931348623159e308
9007199254740993 9007199254740992.5 0.1 123456789012345678 1e23 8.5e22 1e22 1e-22 1e-23
179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587e212
0.000000000000000000000000000000000000000000000000000000000000000000000012345678901234567890e60
1e99999999999999999999 1e-99999999999999999999 0e99999""".split() + [
    "", "  ", " 12 ", "\t12\n", "- 12", "+ 5", "12 .0", "\uff11\uff12", "12\u00a0", "\u300012",
    "\u001f12", "\u000b12\u000c", "\u008512", "\u200b12", "\u200012\u2029"]

TIMES = """x 2020 2020-01 2020-01-01 2020-1-1 2020-01-0 2020-13-01 2020-00-01 2020-02-30 2020-01-32
2020-01-00 0000-01-01 0001-01-01 9999-12-31 202a-01-01 2020a01-01 2020-0a-01 2020-01a01 2020-01-0a
2020-01-01T 2020-01-01T1 2020-01-01T10 2020-01-01T10: 2020-01-01T10:1 2020-01-01T10:10
2020-01-01t10:10 2020-01-01_10:10 2020-01-01X10:10 2020-01-01T10:10Z 2020-01-01T10:10z
2020-01-01T10:10: 2020-01-01T10:10:1 2020-01-01T10:10:10 2020-01-01T24:00 2020-01-01T23:60
2020-01-01T23:59:60 2020-01-01T1a:00 2020-01-01T10x00 2020-01-01T10:a0 2020-01-01T10:10:a0
2020-01-01T10:10:10. 2020-01-01T10:10:10.1 2020-01-01T10:10:10.123456 2020-01-01T10:10:10.1234567
2020-01-01T10:10:10.999999999 2020-01-01T10:10:10,5 2020-01-01T10:10:10.a 2020-01-01T10:10:10.1a
2020-01-01T10:10+ 2020-01-01T10:10+0 2020-01-01T10:10+9 2020-01-01T10:10+09: 2020-01-01T10:10+09:0
2020-01-01T10:10+09:00 2020-01-01T10:10-09:00 2020-01-01T10:10+0900 2020-01-01T10:10+09:60
2020-01-01T10:10+24:00 2020-01-01T10:10+23:59 2020-01-01T10:10+09:00x 2020-01-01T10:10+0a:00
2020-01-01T10:10+09:0a 2020-01-01T10:10Zx 2020-01-01T10:10x 2020-01-01T10:10:10Zx 2020-01-01x
2020-01-01T00:00 2020-01-01T00:00:00.000 1494012000 1494012000.5 -1494012000 +1494012000 20260101
86400 86401 1e3 nan inf abc 9999-12-31T23:59:59-10:00 0001-01-01T00:00+10:00 2020-01-01T10Z
20200101T101010 2020-W01-1 12345 123456789012345678901234567890 2020-02-29 2021-02-29 1900-02-29
2000-02-29 1494012000. .5 1_000 253402300800000 86400.0 86400.5 null None 00000000 99999999 + - . 1.
+.5 -.5 1.2.3 9223372036854775807 9223372036854775808 1e -0 10:10 2020-01-01T10:10:10.Z
2020-01-01T10:10+09:00:00 2020-01-01T10:10:5x 2020-01-01T10:10:55.5+24:00 20201-01-01
2020-01-01T10:60+99:99 2020-01-01T25:1 2020-01-011 2020-13-0 20a0-1 2020-01-01T1010
2020-01-01T10:10+09:6 2020-01-01T10:10+099 2020-01-01T10:10+09000
2020-01-01T10:10:10.123456789012345678901234567890""".split() + [
    "", "2020-01-01 10:10", "2020-01-01 10:10:10.5", "2020-01-01T10:10 Z", "2020-01-01 ",
    " 2020-01-01", " 2020-01-01T10:10:10 ", " 86400 ", "2020-01-01T10:10:10Z ",
    "2020-01-01T10:10:10\n", "2020-01-01T10:10:10\u221209:00"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
AMERICAN = re.compile(r"^..[/]..[/]")
# Accidents of its parsers: "0-1" is -1, "8600.e0" a timestamp though "1e3" is none.
QUIRKS = {"integer": re.compile(r"^\s*[+-]?0[0_]*(-|\+|__|_-)"), "date": re.compile(r"\.\d*[eE]")}
QUIRKS["datetime"] = QUIRKS["date"]
HOURS_ONLY = re.compile(r"[+\u2212-]\d\d$")


def differs(kind, value):
    """Whether fraudd means to differ from pydantic here."""
    if kind == "category":
        return value == ""
    if isinstance(value, str) and kind in QUIRKS and QUIRKS[kind].search(value):
        return True
    if kind == "integer":
        try:
            v = TYPES["integer"].validate_python(value)
        except ValidationError:
            return False
        return not -2**63 <= v < 2**63
    if kind in ("date", "datetime") and isinstance(value, str):
        if "/" in value or (len(value) > 13 and HOURS_ONLY.search(value)):
            return True
        if kind == "date":  # a time of day is dropped, a zone is converted
            try:
                v = TYPES["datetime"].validate_python(value)
            except ValidationError:
                return False
            return len(value) > 10 and value[4:5] == "-" and (
                v.tzinfo is not None or v.time() != datetime.min.time())
    return False


def show(value):
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        return str((value - EPOCH) // timedelta(microseconds=1))
    if isinstance(value, date):
        return str((value - EPOCH.date()).days * 86400 * 10**6)
    if isinstance(value, str):
        return json.dumps(value)
    return str(value)


def write(kind, text):
    value = json.loads(text)
    if differs(kind, value):
        return
    try:
        answer = "= " + show(TYPES[kind].validate_python(value))
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        ctx = json.dumps(error["ctx"], separators=(",", ":"), default=str) if "ctx" in error else ""
        answer = "\t".join((error["type"], error["msg"], ctx))
    print(kind, text, answer, sep="\t")


def mutate(rng, text):
    alphabet = "0123456789-+.:_eETtZz x/"
    text = list(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        action = rng.randint(0, 2)
        if action == 0:
            text.insert(at, rng.choice(alphabet))
        elif action == 1 and at < len(text):
            text[at] = rng.choice(alphabet)
        elif at < len(text):
            del text[at]
    return "".join(text)


def main():
    if len(sys.argv) > 1:
        rng = random.Random(int(sys.argv[3]))
        for _ in range(int(sys.argv[2])):
            kind = rng.choice(list(TYPES)[:2] + ["datetime", "date"])
            words = NUMBERS if kind in ("integer", "number") else TIMES
            write(kind, json.dumps(mutate(rng, rng.choice(words))))
        return
    for kind in TYPES:
        for value in VALUES:
            write(kind, value)
    for text in NUMBERS:
        write("integer", json.dumps(text))
        write("number", json.dumps(text))
    for text in TIMES:
        write("datetime", json.dumps(text))
        write("date", json.dumps(text))
    for text in ("KR", "", "\u00e9", "NaN"):
        write("category", json.dumps(text))


main()
