"""Nothing breaks: concurrent clients on shared keys, at replication factors 1, 3 and 5."""

from harness import require, say, test, wait_level
from load import Load

CALLS = 4000


def run_plain_load(place, rf, managers):
    """Two partitions, so that SCANs are put together from both."""
    with place.cluster(managers=managers, partitions=2, rf=rf) as cluster:
        with Load(cluster, place.path("history"), keys=6, fresh=0.1) as load:
            load.wait(CALLS)
        pairs = load.read_back()
        require(pairs.result != "-", "the SCAN over everything returned nothing")
        load.judge()
        for group in ("s0", "s1"):
            require(wait_level(cluster, group) > 0, f"{group} applied nothing")
        say(f"{load.answered} calls, {load.rate():.0f} a second, linearizable")


@test
def test_history_is_linearizable_at_rf_1(place):
    """One replica a partition."""
    run_plain_load(place, 1, 1)


@test
def test_history_is_linearizable_at_rf_3(place):
    """Three."""
    run_plain_load(place, 3, 3)


@test
def test_history_is_linearizable_at_rf_5(place):
    """Five."""
    run_plain_load(place, 5, 3)


@test
def test_history_is_linearizable_with_reads_through_the_log(place):
    """--reads log: every read is a command of its own."""
    with place.cluster(managers=1, rf=3, server_args=["--reads", "log"]) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(CALLS // 2)
        load.judge()
