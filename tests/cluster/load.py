"""Load: concurrent clients, random calls on a few shared keys, and the history of it all.

    with Load(cluster, place.path("history")) as load:
        load.wait(1000)              # until 1,000 more calls are answered
        ... break something ...
        load.wait(1000)
    load.judge()                     # madkv-check: linearizable, and every call answered

Each client is a madkv-client process driven over its pipes by a thread of its own. Every value is
unique, made of the client and the number of its call, so that the checker knows whose write a read
saw. Times are CLOCK_MONOTONIC nanoseconds, taken before the call is written to the pipe and after
its whole answer is read. The history is written whatever happens, so that a failed test keeps it.

What stops a load is a count of calls, never time; the limits here only end a test that hangs.
"""

import collections
import random
import subprocess
import threading
import time

from harness import Failure, local, require, wait_until

CALL_LIMIT_S = 120.0      # one call, through any fault of these tests
WAIT_LIMIT_S = 120.0      # for the calls that a test waits for
END_LIMIT_S = 120.0       # for the last call of each client
CHECK_LIMIT_S = 300.0     # for madkv-check

MIX = {"PUT": 30, "SWAP": 25, "GET": 30, "DELETE": 10, "SCAN": 5}

Call = collections.namedtuple("Call", "client invoke_ns return_ns op key argument result")


def parse(op, key, argument, lines):
    """Result field of the history for an answer, or Failure if it is no answer to that call."""
    if op == "SCAN":
        require(lines[0] == f"SCAN {key} {argument} BEGIN" and lines[-1] == "SCAN END",
                f"SCAN {key} {argument} was answered {lines[0]!r} ... {lines[-1]!r}")
        pairs = [line.split() for line in lines[1:-1]]
        require(all(len(pair) == 2 for pair in pairs), f"SCAN was answered {lines}")
        return "=" + " ".join(word for pair in pairs for word in pair) if pairs else "-"
    fields = lines[0].split()
    require(len(lines) == 1 and len(fields) == 3 and fields[:2] == [op, key],
            f"{op} {key} was answered {lines}")
    if op in ("PUT", "DELETE"):
        require(fields[2] in ("found", "not_found"), f"{op} {key} was answered {lines}")
        return fields[2]
    return "-" if fields[2] == "null" else "=" + fields[2]


class Caller(threading.Thread):
    """One client: makes one call after the other until it is told to stop."""

    def __init__(self, load, number, client):
        super().__init__(name=f"caller {number}", daemon=True)
        self.load = load
        self.number = number
        self.client = client
        self.random = random.Random(f"{load.seed}/{number}")
        self.keys = load.keys_of(number)
        self.calls = []          # answered ones
        self.open = None         # the one under way, as a Call without its answer
        self.error = None
        self.count = 0           # calls begun

    def run(self):
        try:
            while not self.load.stopping.is_set() and self.count != self.load.calls_each:
                self.call(*self.choose())
        except (local.ClusterError, Failure, OSError) as error:
            self.error = error
            self.load.wake()

    def choose(self):
        """The next call: (op, key, argument)."""
        load = self.load
        if load.fresh and self.random.random() < load.fresh:
            return "PUT", f"{load.prefix}-{self.number}-{self.count:06d}", self.value()
        op = self.random.choices(list(MIX), list(MIX.values()))[0]
        key = self.random.choice(self.keys)
        if op == "SCAN":
            return op, *sorted((key, self.random.choice(self.keys)))
        return op, key, self.value() if op in ("PUT", "SWAP") else None

    def value(self):
        """A value nobody else writes."""
        return f"c{self.number}.{self.count}"

    def call(self, op, key, argument):
        """Makes one call and records it."""
        self.count += 1
        line = f"{op} {key}" if argument is None else f"{op} {key} {argument}"
        self.open = Call(self.number, time.monotonic_ns(), None, op, key, argument, None)
        lines = self.client.call(line, self.load.call_limit_s)
        answered = self.open._replace(return_ns=time.monotonic_ns(),
                                      result=parse(op, key, argument, lines))
        self.calls.append(answered)
        self.open = None
        self.load.count_one()


class Load:
    """Clients at work. See the top of the file."""

    def __init__(self, cluster, path, clients=8, keys=5, prefix="k", fresh=0.0, seed=1,
                 calls_each=None, call_limit_s=CALL_LIMIT_S, shared=True):
        """`fresh`: share of the calls that write a new key once, for `read_back`.

        `calls_each`: a client ends after so many, else when the load does. `call_limit_s`: what
        one call may take before its client gives up with CallTimeout. `shared`: all clients use
        the same keys, else each has so many of its own.
        """
        self.cluster = cluster
        self.path = path
        self.prefix = prefix
        self.fresh = fresh
        self.seed = seed
        self.calls_each = calls_each
        self.call_limit_s = call_limit_s
        self.shared = shared
        self.key_count = keys
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._answered = 0
        self._target = None
        self.callers = [Caller(self, number, cluster.client(name=f"load-{prefix}.{number}"))
                        for number in range(clients)]

    def keys_of(self, client):
        """The keys that a client calls with."""
        stem = self.prefix if self.shared else f"{self.prefix}{client}-"
        return [f"{stem}{number}" for number in range(self.key_count)]

    # -- while it runs

    def __enter__(self):
        for caller in self.callers:
            caller.start()
        return self

    def __exit__(self, kind, *_):
        try:
            self._end(END_LIMIT_S if kind is None else 0)
        finally:
            self.write()

    def count_one(self):
        """A call was answered."""
        with self._changed:
            self._answered += 1
            if self._target is not None and self._answered >= self._target:
                self._changed.notify_all()

    def wake(self):
        """Something else happened that whoever waits must see."""
        with self._changed:
            self._changed.notify_all()

    @property
    def answered(self):
        """Calls answered so far."""
        return self._answered

    def wait(self, count, limit_s=WAIT_LIMIT_S):
        """Until `count` more calls are answered."""
        deadline = time.monotonic() + limit_s
        with self._changed:
            begin = self._answered
            self._target = begin + count
            while self._answered < self._target:
                self.check()
                left_s = deadline - time.monotonic()
                require(left_s > 0, f"{self._answered - begin} of {count} calls were answered "
                                    f"within {limit_s:g} s")
                self._changed.wait(min(left_s, 1.0))
            self._target = None
        self.check()

    def wait_each(self, count, limit_s=WAIT_LIMIT_S):
        """Until every client got `count` more answers."""
        goals = [(caller, len(caller.calls) + count) for caller in self.callers]

        def all_there():
            self.check()
            return all(len(caller.calls) >= goal for caller, goal in goals)
        wait_until(f"{count} answers further, every client,", all_there, limit_s)

    def check(self):
        """Raises what ended a caller, if something did."""
        for caller in self.callers:
            if caller.error:
                raise Failure(f"{caller.name}: {caller.error}") from caller.error

    def _end(self, limit_s):
        self.stopping.set()
        deadline = time.monotonic() + limit_s
        for caller in self.callers:
            caller.join(max(deadline - time.monotonic(), 0.01))
        for caller in self.callers:
            if caller.is_alive() or caller.error:
                caller.client.kill()
                caller.join()
            else:
                caller.client.close()
        if limit_s > 0:
            self.check()

    # -- afterwards

    def calls(self):
        """All answered calls."""
        return [call for caller in self.callers for call in caller.calls]

    def answered_after(self, time_ns):
        """How many calls were answered after that time."""
        return sum(call.return_ns > time_ns for call in self.calls())

    def require_after(self, time_ns, count=1000):
        """Requires that so many calls were answered after (so: during and after a fault)."""
        after = self.answered_after(time_ns)
        require(after >= count, f"{after} calls were answered during and after the fault; expected "
                                f"at least {count}")
        return after

    def longest_gap_s(self, time_ns):
        """The longest any client went without an answer, of the gaps that ended after that time."""
        gaps = [0]
        for caller in self.callers:
            times = [call.return_ns for call in caller.calls]
            gaps += [later - earlier for earlier, later in zip(times, times[1:]) if later > time_ns]
        return max(gaps) / 1e9

    def rate(self):
        """Answered calls a second, from the first call to the last answer."""
        calls = self.calls()
        begin = min(call.invoke_ns for call in calls)
        return len(calls) * 1e9 / (max(call.return_ns for call in calls) - begin)

    def read_back(self):
        """One SCAN over everything, recorded as a call of one more client."""
        client = self.cluster.client(name=f"load-{self.prefix}.end")
        caller = Caller(self, len(self.callers), client)
        self.callers.append(caller)
        caller.call("SCAN", self.prefix, self.prefix + "~")
        caller.client.close()
        self.write()
        return caller.calls[0]

    def write(self):
        """Writes the history; a call without its answer is unknown."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(f"# madkv-history 1\n# seed {self.seed}\n")
            for caller in self.callers:
                for call in [*caller.calls, *([caller.open] if caller.open else [])]:
                    file.write(history_line(call))

    def judge(self):
        """Requires that every call was answered and that the history is linearizable."""
        unanswered = [caller.open for caller in self.callers if caller.open]
        require(not unanswered, f"calls without an answer: {unanswered}")
        done = subprocess.run([local.program_path("madkv-check"), self.path], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=CHECK_LIMIT_S)
        require(done.returncode == 0, f"madkv-check {self.path} ended with {done.returncode}:\n"
                                      f"{done.stdout.decode(errors='replace')[-3000:]}")


def history_line(call):
    """One line of the history file (tools/check/history.h)."""
    fields = [str(call.client), str(call.invoke_ns), str(call.return_ns or "-"), call.op, call.key,
              "-" if call.argument is None else "=" + call.argument,
              "ok" if call.return_ns else "unknown", call.result or "-"]
    return "\t".join(fields) + "\n"
