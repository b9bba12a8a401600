"""A parser of the logs that scripts read, written to their description alone:

    A fuzz log holds the text `Fuzz testing result:` once, on a line whose last word is PASSED,
    FAILED or UNFAIR. A bench log has a line with `Benchmarking results:` and after it, for `[Load]`
    then `[Run]`, in this order: the phase's line with its milliseconds; `Throughput:  <n> ops/sec`;
    a line per operation type that occurred (out of INSERT, UPDATE, READ, SCAN), ending in
    `<TYPE>  ops <n>  avg <n>  min <n>  max <n>  p99 <n>  us`. Plain decimal numbers without
    separators; nothing after `[Run]` but these lines holds `Throughput` or ends in ` us`.
"""

import re

from harness import require

NUMBER = r"(\d+(?:\.\d+)?)"
VERDICTS = ("PASSED", "FAILED", "UNFAIR")
TYPES = ("INSERT", "UPDATE", "READ", "SCAN")
FIGURES = ("ops", "avg", "min", "max", "p99")
TYPE_LINE = re.compile(r"({})  {}  us$".format(
    "|".join(TYPES), "  ".join(f"{name} {NUMBER}" for name in FIGURES)))
THROUGHPUT_LINE = re.compile(rf"Throughput:  {NUMBER} ops/sec")
MILLISECONDS = re.compile(rf"{NUMBER} ?ms")


def fuzz_verdict(text):
    """The last word of the one line that tells the result."""
    require(text.count("Fuzz testing result:") == 1, f"not one result in {text!r}")
    line = next(line for line in text.splitlines() if "Fuzz testing result:" in line)
    require(line.split()[-1] in VERDICTS, f"no verdict at the end of {line!r}")
    return line.split()[-1]


def bench_results(text):
    """{phase: {"ms", "throughput", type: {figure: number}}} of a bench log."""
    lines = text.splitlines()
    heads = [at for at, line in enumerate(lines) if "Benchmarking results:" in line]
    require(heads, "no line holds 'Benchmarking results:'")
    lines = lines[heads[-1] + 1:]
    begin = {phase: next((at for at, line in enumerate(lines) if f"[{phase}]" in line), None)
             for phase in ("Load", "Run")}
    require(None not in begin.values() and begin["Load"] < begin["Run"],
            f"no [Load] and then [Run] in {lines}")
    return {"Load": _phase(lines[begin["Load"]:begin["Run"]]), "Run": _phase(lines[begin["Run"]:])}


def _phase(lines):
    """The figures of one phase; `lines` begins with the phase's own."""
    took = MILLISECONDS.search(lines[0])
    require(took, f"no milliseconds in {lines[0]!r}")
    rates = [line for line in lines if "Throughput" in line]
    require(len(rates) == 1 and THROUGHPUT_LINE.search(rates[0]), f"not one throughput: {rates}")
    figures = {"ms": float(took[1]), "throughput": float(THROUGHPUT_LINE.search(rates[0])[1])}
    for line in lines:
        if line.endswith(" us"):
            found = TYPE_LINE.search(line)
            require(found and found[1] not in figures, f"no line of an operation type: {line!r}")
            require(lines.index(line) > lines.index(rates[0]), "a type stands before the throughput")
            figures[found[1]] = dict(zip(FIGURES, map(float, found.groups()[1:])))
    require(len(figures) > 2, f"no operation type in {lines}")
    return figures
