#!/usr/bin/env python3
"""Judges Prometheus's text exposition format 0.0.4 on standard input by its grammar.

Exit status 0 if it is good, else 1 and a line that says why. With --promtool promtool judges it, too,
where that is installed."""

import re
import shutil
import subprocess
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
VALUE = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|Inf|NaN)"
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? ({VALUE})")
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def family_of(name, types):
    """The metric a sample belongs to: histograms have three kinds of samples."""
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def problem(text):
    """What is wrong with it; None: nothing."""
    types, done, current, seen, buckets = {}, set(), None, set(), {}
    if not text.endswith("\n"):
        return "the last line has no end"
    for line in text.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            if head[2] in done or (head[1] == "TYPE" and head[2] in types):
                return f"{head[2]} comes in two pieces"
            if head[1] == "TYPE":
                if head[3] not in TYPES:
                    return f"no type: {line}"
                types[head[2]] = head[3]
            if current not in (None, head[2]):
                done.add(current)
            current = head[2]
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample:
            return f"no sample: {line!r}"
        family = family_of(sample[1], types)
        if family != current:
            return f"{line!r} stands among {current}"
        if (sample[1], sample[2]) in seen:
            return f"twice: {line!r}"
        seen.add((sample[1], sample[2]))
        if types[family] == "counter" and not family.endswith("_total"):
            return f"a counter that does not end in _total: {family}"
        if sample[1].endswith("_bucket") and types[family] == "histogram":
            labels = re.findall(LABEL, sample[2])
            others = ",".join(x for x in labels if not x.startswith("le="))
            if float(sample[3]) < buckets.get((family, others), 0):
                return f"buckets do not add up: {line!r}"
            buckets[(family, others)] = float(sample[3])
    return None if seen else "no sample at all"


def main():
    """See above."""
    text = sys.stdin.read()
    wrong = problem(text)
    if wrong is None and "--promtool" in sys.argv and shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wrong = done.stdout if done.returncode != 0 else None
    if wrong is not None:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
