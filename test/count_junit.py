#!/usr/bin/env python3
"""Counts a JUnit file for scripts/test: a line for each test that failed or was skipped, with the
reason, then "passed failed skipped". Status 1 if there is no such file or no test in it."""

import sys
import xml.etree.ElementTree


def outcome(case):
    """("passed", "") or how it ended and why."""
    for tag in ("failure", "error"):
        if case.find(tag) is not None:
            return "failed", ""
    if case.get("status") in ("fail", "notrun") and case.find("skipped") is None:
        return "failed", ""
    skip = case.find("skipped")
    if skip is not None or case.get("status") == "disabled":
        words = skip.get("message") if skip is not None else None
        return "skipped", words or "no reason given"
    return "passed", ""


def main(name, path):
    try:
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in cases:
        how, why = outcome(case)
        counts[how] += 1
        test = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        if how != "passed":
            print(f"{how}: {name} {test}" + (f": {why}" if why else ""))
    print(*counts.values())
    return 0 if cases else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
