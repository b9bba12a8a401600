"""The logs that recipes leave behind, as figures. Each parser returns what a whole log says, or raises
LogError with the reason why it is none: a run that was interrupted, failed or is too short counts as
missing, never as a figure."""

import re

TYPES = ("INSERT", "UPDATE", "READ", "SCAN")
NUMBER = r"(\d+(?:\.\d+)?)"
TYPE_LINE = re.compile(rf"({'|'.join(TYPES)})  ops {NUMBER}  avg {NUMBER}  min {NUMBER}  max {NUMBER}"
                       rf"  p99 {NUMBER}  us$")
THROUGHPUT = re.compile(rf"Throughput:\s+{NUMBER} ops/sec")
CALLS_EACH = re.compile(r", (\d+) calls each")
OUTSIDE = re.compile(rf"Outside: flushes (\d+), commits (\d+), server CPU {NUMBER} s, "
                     rf"resident {NUMBER} MB")
FUZZ_RESULT = re.compile(r"Fuzz testing result:.*\b(PASSED|FAILED|UNFAIR)\s*$", re.M)
TEST_RESULT = re.compile(r"^(?:Testcase \d+: (PASSED|FAILED)|(As promised)|(The demonstration failed))",
                         re.M)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class LogError(Exception):
    """The log is not one of a whole run; the text says why."""


def outside_line(flushes, commits, cpu_s, rss_bytes):
    """What was counted outside the servers, as a line behind a bench log."""
    return (f"Outside: flushes {flushes}, commits {commits}, server CPU {cpu_s:.2f} s, "
            f"resident {rss_bytes / 1e6:.1f} MB")


def phase(lines):
    """Throughput and the types' figures of one phase."""
    rates = [found for line in lines if (found := THROUGHPUT.search(line))]
    if len(rates) != 1:
        raise LogError("it holds no throughput")
    figures = {"throughput": float(rates[0][1]), "types": {}}
    for line in lines:
        if found := TYPE_LINE.search(line):
            ops, avg, low, high, p99 = map(float, found.groups()[1:])
            figures["types"][found[1]] = {"ops": ops, "avg": avg, "min": low, "max": high, "p99": p99}
    if not figures["types"]:
        raise LogError("it holds no operation")
    return figures


def bench(text, calls_min=0):
    """{"throughput", "mean", "p99", "types", "calls_each", "outside"} of a bench log's run.

    `mean` is over all calls, `p99` the worst of the types'; both in microseconds. `outside` is
    {"flushes", "commits", "cpu_s", "rss_mb"} where it was counted, else None.
    """
    text = COLOURS.sub("", text)
    if "PARTIAL" in text or "ERRORS" in text:
        raise LogError("the run ended early or calls failed")
    head, found, rest = text.rpartition("Benchmarking results:")
    load, run_found, run = rest.partition("[Run]")
    if not found or not run_found or "[Load]" not in load:
        raise LogError("it does not go to the end")
    figures = phase(run.splitlines())
    types = figures["types"].values()
    calls = sum(kind["ops"] for kind in types)
    figures["mean"] = sum(kind["ops"] * kind["avg"] for kind in types) / calls
    figures["p99"] = max(kind["p99"] for kind in types)
    each = CALLS_EACH.search(head)
    figures["calls_each"] = int(each[1]) if each else None
    if each and int(each[1]) < calls_min:
        raise LogError(f"{each[1]} calls each are too few; expected {calls_min} or more")
    outside = OUTSIDE.search(run)
    figures["outside"] = None if outside is None else {
        "flushes": int(outside[1]), "commits": int(outside[2]), "cpu_s": float(outside[3]),
        "rss_mb": float(outside[4])}
    return figures


def fuzz(text, calls_min=0):
    """PASSED, FAILED or UNFAIR."""
    del calls_min
    found = FUZZ_RESULT.findall(COLOURS.sub("", text))
    if len(found) != 1:
        raise LogError("it does not go to the end")
    return found[0]


def testcase(text, calls_min=0):
    """PASSED or FAILED."""
    del calls_min
    found = TEST_RESULT.findall(text)
    if len(found) != 1:
        raise LogError("it does not go to the end")
    verdict, promised, _ = found[0]
    return verdict or ("PASSED" if promised else "FAILED")
