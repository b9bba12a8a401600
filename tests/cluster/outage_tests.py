"""More breaks than a group can take: it answers nothing, and nothing wrong, and goes on after."""

import time

from harness import hold, kill, local, require, say, test, wait_level
from harness import followers, replicas
from load import Load

CALLS = 1000
SILENCE_S = 10.0


def require_no_answer(client, what):
    """Not one byte so far."""
    require(client.received_bytes(0) == 0, f"{what} got an answer from a minority")


@test
def test_calls_without_a_majority_hang_and_are_answered_right_after(place):
    """At rf 3 both followers die. The leader that is left must not answer a write, nor, once its
    lease is over (it steps down then, at the latest), a read; before, only with what was there. A chain
    would go on."""
    with place.cluster(protocol=local.MULTIPAXOS) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(CALLS)
            writer, early_reader, reader = (cluster.client() for _ in range(3))
            require(writer.call("PUT marker before") == ["PUT marker not_found"], "a wrong answer")
            for client in (early_reader, reader):
                require(client.call("GET marker") == ["GET marker before"], "a wrong answer")
            leader = cluster.leader("s0")
            victims = followers(cluster, "s0")
            require(len(victims) == 2, f"{victims} follow")
            kill(cluster, *victims)
            writer.send("PUT marker after")
            early_reader.send("GET marker")
            cluster.wait_for("without a leader (s0)", lambda status: all(
                replica["role"] != "leader" for replica in replicas(status, "s0")))
            stopped_ns = time.monotonic_ns()
            if early_reader.received_bytes(0) > 0:
                answer = early_reader.receive()
                require(answer == ["GET marker before"], f"by its lease it answered {answer}")
            reader.send("GET marker")
            hold(SILENCE_S)
            require_no_answer(writer, "a PUT")
            require_no_answer(reader, "a GET")
            require(cluster.is_running(leader), "the leader ended")
            restarted_ns = time.monotonic_ns()
            for victim in victims:
                cluster.restart(victim)
            answer = writer.receive()
            require(answer == ["PUT marker found"], f"the PUT was answered {answer}")
            answer = reader.receive()
            require(answer in (["GET marker before"], ["GET marker after"]), f"answered {answer}")
            require(reader.call("GET marker") == ["GET marker after"], "the PUT got lost")
            load.wait(CALLS)
        load.judge()
        load.require_after(restarted_ns)
        early = [call for call in load.calls()
                 if call.return_ns > stopped_ns and call.return_ns < restarted_ns]
        require(not early, f"answered without a majority: {early[:3]}")
        wait_level(cluster, "s0")


@test
def test_kill_of_everything_under_load_loses_no_answered_write(place):
    """Managers and servers die at once; all come back on their directories."""
    with place.cluster(partitions=2) as cluster:
        with Load(cluster, place.path("history"), keys=6, fresh=0.3) as load:
            load.wait(2 * CALLS)
            cluster.leader("s0"), cluster.leader("s1"), cluster.leader("m")
            cluster.kill_all()
            killed_ns = time.monotonic_ns()
            for name in cluster.names:
                require(cluster.exit_status(name) == -9, f"{name} was not killed")
                cluster.restart(name)
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(killed_ns)
        say(f"{load.answered} calls; back for every client within "
            f"{load.longest_gap_s(killed_ns):.2f} s")


@test
def test_servers_restart_without_any_manager(place):
    """Once founded, a partition needs no manager to come back, nor a client that knows the map."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history"), fresh=0.2) as load:
            load.wait(CALLS)
            servers = [name for name in cluster.names if name[0] == "s"]
            managers = [name for name in cluster.names if name[0] == "m"]
            kill(cluster, *managers)
            killed_ns = kill(cluster, *servers)
            for name in servers:
                cluster.restart(name)
            load.wait(CALLS)
            for name in managers:
                cluster.restart(name)
            cluster.wait_healthy()
        load.read_back()
        load.judge()
        load.require_after(killed_ns)


@test
def test_everything_can_be_killed_thrice_at_rf_1(place):
    """The smallest cluster, whose only disk holds everything."""
    with place.cluster(managers=1, rf=1) as cluster:
        with Load(cluster, place.path("history"), fresh=0.3) as load:
            began_ns = time.monotonic_ns()
            for _ in range(3):
                load.wait(400)
                cluster.kill_all()
                for name in cluster.names:
                    cluster.restart(name)
                cluster.wait_healthy()
            load.wait(400)
        load.read_back()
        load.judge()
        load.require_after(began_ns)
