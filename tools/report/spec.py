"""What a project's report consists of, as data: tools/report/<project>/report.json, with the texts of its
sections beside it. Everything else in this folder knows no project by name.

    "project": "p3"                       whose recipes make the runs
    "title", "output"                     the report's first line; its file under report/
    "service"                             how a run's service is started (runner.py): "replicated",
                                          "partitioned" or "single"
    "sections": [[heading, file], ...]    in order; what stands in the files is kept as it is, but for
                                          lines that begin with @ (document.py)
    "runs": [{"name", "kind", ...}, ...]  kind: bench, fuzz or testcase; the parameters of its recipe
                                          without addresses either as "words" {parameter: values} (every
                                          combination) or as "list"; "calls" each client makes when
                                          report-all runs it, "calls_min" it may have made; "seconds" one
                                          takes, about
    "plots": [{"name", "of", "x", "series", "style"}, ...]
                                          three panels (throughput, mean, p99) of a bench group, with a
                                          parameter as x-axis and one as series; bars or lines
"""

import itertools
import json
import os

import logs

HERE = os.path.dirname(os.path.abspath(__file__))
PARSERS = {"bench": logs.bench, "fuzz": logs.fuzz, "testcase": logs.testcase}
FILES = {"bench": "bench/bench-{}.log", "fuzz": "fuzz/fuzz-{}.log", "testcase": "tests/test{}.log"}


class Run:
    """One run of a recipe, and the log it leaves."""

    def __init__(self, project, group, words):
        self.project = project
        self.group = group
        self.kind = group["kind"]
        self.words = tuple(map(str, words))

    @property
    def log_name(self):
        """Path of its log below the project's directory."""
        return FILES[self.kind].format("-".join(self.words))

    @property
    def address(self):
        """What stands for the addresses in its recipe."""
        if self.kind == "testcase" and self.project != "p1":
            return None
        return {"p1": "SERVER", "p2": "MANAGER"}.get(self.project, "MANAGERS")

    @property
    def recipe(self):
        """What makes it, for people."""
        words = [*self.words, self.address] if self.address else self.words
        return f"just {self.project}::{self.kind} {' '.join(words)}"

    def read(self, directory):
        """Its result. logs.LogError: there is no whole log; the text says why."""
        path = os.path.join(directory, self.log_name)
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except FileNotFoundError:
            raise logs.LogError("there is no log") from None
        return PARSERS[self.kind](text, self.group.get("calls_min", 0))


class Spec:
    """A project's report."""

    def __init__(self, project):
        self.folder = os.path.join(HERE, "proj" + project[1:])
        with open(os.path.join(self.folder, "report.json"), encoding="utf-8") as file:
            self.data = json.load(file)
        self.project = self.data["project"]
        self.groups = {group["name"]: group for group in self.data["runs"]}
        self.runs = list({(run.kind, run.words): run for group in self.data["runs"]
                          for run in self.of(group)}.values())

    def of(self, group):
        """The runs of a group, in order."""
        words = group.get("list") or itertools.product(*group["words"].values())
        return [Run(self.project, group, each) for each in words]

    def text(self, file):
        """A section's text."""
        with open(os.path.join(self.folder, file), encoding="utf-8") as source:
            return source.read()


def projects():
    """Those that have a report."""
    return sorted("p" + name[4:] for name in os.listdir(HERE)
                  if name.startswith("proj") and os.path.isfile(os.path.join(HERE, name, "report.json")))


class Results:
    """What the runs' logs say."""

    def __init__(self, spec, directory):
        self.directory = directory
        self.found, self.missing = {}, []   # (kind, words): result; (run, why)
        self.newest = self.oldest = None    # when logs were written
        for run in spec.runs:
            try:
                self.found[run.kind, run.words] = run.read(directory)
                self._note_time(os.path.getmtime(os.path.join(directory, run.log_name)))
            except logs.LogError as why:
                self.missing.append((run, str(why)))

    def _note_time(self, written):
        self.oldest = min(self.oldest or written, written)
        self.newest = max(self.newest or written, written)

    def get(self, kind, words):
        """A run's result, or None."""
        return self.found.get((kind, tuple(map(str, words))))
