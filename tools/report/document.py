"""The report as a document: the sections' texts, kept as they are, with figures where a line asks.

A line that begins with @ in a text is replaced:

    @plot NAME      a picture of the specification's plot NAME
    @table NAME     the figures of that plot as a table
    @outside NAME   flushes, commits, processor time and memory of the runs of that plot
    @verdicts NAME  what the runs of group NAME (fuzz or testcase) came to
    @machine        the machine, and what it can do at all

Runs that are missing are named at the top, with the recipes that make them.
"""

import datetime
import json
import os

import measured
import plots

FACTS_FILE = "machine.json"  # in the project's log directory: the machine as it was at the runs
DASH = "–"


class Document:
    """One report. `pictures`: whether to draw them."""

    def __init__(self, spec, results, target, pictures):
        self.spec = spec
        self.results = results
        self.target = target
        self.pictures = pictures
        self.plots = {plot["name"]: plot for plot in spec.data["plots"]}

    def write(self):
        """Writes it; returns its path."""
        parts = [f"# {self.spec.data['title']}", self._dates(), self._missing()]
        for heading, file in self.spec.data["sections"]:
            lines = [self._line(line) for line in self.spec.text(file).strip().splitlines()]
            parts.append(f"## {heading}\n\n" + "\n".join(lines))
        path = os.path.join(self.target, self.spec.data["output"])
        os.makedirs(self.target, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n\n".join(part for part in parts if part) + "\n")
        return path

    def _dates(self):
        if self.results.newest is None:
            return ""
        first, last = (datetime.datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M")
                       for when in (self.results.oldest, self.results.newest))
        return f"Runs of {first} to {last}. Written by `just {self.spec.project}::report`."

    def _line(self, line):
        if not line.startswith("@"):
            return line
        word, *names = line[1:].split()
        return getattr(self, "_insert_" + word)(*names)

    # -- bench

    def _axes(self, plot):
        """(xs, series, {(x, series): result}) of a plot."""
        group = self.spec.groups[plot["of"]]
        names = list(group["words"])
        xs, series = (list(map(str, group["words"][plot[axis]])) for axis in ("x", "series"))
        results = {}
        for run in self.spec.of(group):
            place = tuple(run.words[names.index(plot[axis])] for axis in ("x", "series"))
            if result := self.results.get("bench", run.words):
                results[place] = result
        return xs, series, results

    def _insert_plot(self, name):
        plot = self.plots[name]
        xs, series, results = self._axes(plot)
        if not results:
            return f"*No picture: none of the runs \"{plot['of']}\" is there yet.*"
        if not self.pictures:
            return "*No picture: gnuplot is not installed; the figures are in the table.*"
        file = f"{self.spec.project}-{name}.png"
        try:
            plots.draw(plot, xs, series, results, os.path.join(self.target, "plots", file))
        except OSError as error:
            return f"*No picture: {error}.*"
        return f"![{plot['title']}](plots/{file})"

    def _insert_table(self, name):
        plot = self.plots[name]
        xs, series, results = self._axes(plot)
        rows = [f"| {plot['x_text']} | " + " | ".join(
            f"{plot['series_text']} {one}: ops/s | mean ms | p99 ms" for one in series) + " |",
                "|---" * (1 + 3 * len(series)) + "|"]
        for x in xs:
            cells = [cell for one in series for cell in bench_cells(results.get((x, one)))]
            rows.append(f"| {x} | " + " | ".join(cells) + " |")
        return "\n".join(rows)

    def _insert_outside(self, name):
        plot = self.plots[name]
        xs, series, results = self._axes(plot)
        rows = [f"| {plot['series_text']}, {plot['x_text']} | flushes | commits | flushes a commit "
                "| server CPU, s | resident, MB |", "|---|---|---|---|---|---|"]
        for one in series:
            for x in xs:
                outside = (results.get((x, one)) or {}).get("outside")
                if outside:
                    rows.append(f"| {one}, {x} | {outside_cells(outside)} |")
        return "\n".join(rows) if len(rows) > 2 else \
            "*Nothing was counted outside the servers: report-all starts them so that it can.*"

    # -- the others

    def _insert_verdicts(self, name):
        group = self.spec.groups[name]
        rows = ["| " + " | ".join([*group["columns"], "outcome"]) + " |",
                "|---" * (len(group["columns"]) + 1) + "|"]
        for run in self.spec.of(group):
            verdict = self.results.get(run.kind, run.words) or f"missing: `{run.recipe}`"
            rows.append("| " + " | ".join([*run.words, verdict]) + " |")
        return "\n".join(rows)

    def _insert_machine(self):
        facts = read_facts(self.results.directory)
        rows = ["| the machine | |", "|---|---|"]
        rows += [f"| {what} | {value} |" for what, value in facts["machine"].items()]
        for name, text in measured.LIMITS.items():
            if name in facts.get("limits", {}):
                rows.append(f"| {text} | {facts['limits'][name]:,.0f} /s |")
        return "\n".join(rows)

    def _missing(self):
        if not self.results.missing:
            return ""
        lines = [f"**{len(self.results.missing)} of {len(self.spec.runs)} runs are missing:**", ""]
        return "\n".join(lines + [f"- `{run.recipe}` ({why})" for run, why in self.results.missing])


def bench_cells(result):
    """Throughput, mean and p99 as cells."""
    if result is None:
        return [DASH] * 3
    return [f"{result['throughput']:,.0f}", f"{result['mean'] / 1000:.2f}",
            f"{result['p99'] / 1000:.1f}"]


def outside_cells(outside):
    """The cells of a run's counts."""
    ratio = f"{outside['flushes'] / outside['commits']:.2f}" if outside["commits"] else DASH
    return (f"{outside['flushes']:,} | {outside['commits']:,} | {ratio} | {outside['cpu_s']:.1f} "
            f"| {outside['rss_mb']:.0f}")


def read_facts(directory):
    """The machine as it was when the runs were made, else as it is."""
    try:
        with open(os.path.join(directory, FACTS_FILE), encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {"machine": measured.machine()}


def write_facts(directory):
    """Measures the machine, for reports to come."""
    os.makedirs(directory, exist_ok=True)
    facts = {"machine": measured.machine(), "limits": measured.limits()}
    with open(os.path.join(directory, FACTS_FILE), "w", encoding="utf-8") as file:
        json.dump(facts, file)
