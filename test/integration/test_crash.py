"""kill -9 of any child under load: nobody but the requests in flight of the dead one may fail, and
it is back. And the spread of connections over the workers, which that number follows from."""

import json
import os
import re
import signal
import time

import load
import models
import pytest
import rows
import wire

SCORE = wire.request_bytes("POST", "/score", rows.ROW)


def scored(answer):
    assert answer.status == 200, answer
    assert answer.json()["transaction_seq"] == rows.ROW["transaction_seq"]


def freeze_and_kill(suite, instance):
    """Clients of that worker at its death: stopped first, it can accept no other meanwhile."""
    pid = suite.kill("front", instance, signal.SIGSTOP)
    suite.wait(lambda: is_stopped(pid), "the worker to stand still")
    clients = load.clients_of(pid, suite.address[1])
    os.kill(pid, signal.SIGKILL)
    return pid, clients


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "connecting"])
def test_a_killed_worker_costs_its_requests_in_flight(suite, keep_alive):
    victims = set()
    with load.Clients(suite.address, 24, SCORE, scored, keep_alive) as clients:
        for kill in range(4):
            done = clients.answered
            suite.wait(lambda: clients.answered > done + 200, "load")
            pid, ports = freeze_and_kill(suite, kill % 2)
            victims |= ports
            suite.wait_replaced(pid)
        done = clients.answered
        suite.wait(lambda: clients.answered > done + 200, "load behind the last kill")
    assert not clients.errors, clients.errors[0]
    failed = {port for port, _ in clients.failures}
    assert failed <= victims, f"{failed - victims} were not in flight at a dead worker"
    assert len(clients.failures) <= len(victims)
    print(f"{len(clients.failures)} of {clients.answered} failed, {len(victims)} in flight")


@pytest.mark.parametrize("service", ["loader"])
def test_a_killed_child_that_serves_nobody_costs_nothing(suite, service):
    with load.Clients(suite.address, 8, SCORE, scored) as clients:
        for _ in range(3):
            done = clients.answered
            suite.wait(lambda: clients.answered > done + 100, "load")
            suite.wait_replaced(suite.kill(service))
        assert suite.post("/reload?force=true").json()["status"] == "reloaded"
    clients.assert_good()


def test_connections_that_wait_are_not_lost(make_suite, trained):
    """The only worker dies: those who connect meanwhile wait in the supervisor's listener."""
    suite = make_suite({"front": {"workers": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    pid = suite.kill("front", 0, signal.SIGSTOP)
    waiting = [suite.connect() for _ in range(20)]
    for connection in waiting:
        connection.send(SCORE)
    os.kill(pid, signal.SIGKILL)
    for connection in waiting:
        scored(connection.receive())
        connection.close()


def time_to_answer(suite, killed):
    """Seconds from the death of the only worker to the next answer."""
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    suite.wait(lambda: not load.sockets_or_none(killed), "its end")
    scored(suite.request("POST", "/score", rows.ROW))
    return time.monotonic() - began


def test_a_dead_worker_is_back_at_once(make_suite, release_dir, trained):
    suite = make_suite({"front": {"workers": 1}}, release_dir)
    models.install(suite, trained[0], "production")
    suite.start()
    times = []
    for _ in range(4):  # a fifth death within ten seconds would be one too many
        pid = suite.pid("front")
        times.append(time_to_answer(suite, pid))
        suite.wait_replaced(pid)
    print("back after ms:", [round(1000 * t, 1) for t in times])
    assert min(times) < 0.1, "the promise; the others may have waited for this machine's cores"


def test_a_hung_worker_is_killed_and_replaced(make_suite, trained):
    suite = make_suite({"supervise": {"hang_seconds": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    pid = suite.kill("front", 0, signal.SIGSTOP)
    with load.Clients(suite.address, 4, SCORE, scored, keep_alive=False) as clients:
        suite.wait_replaced(pid)
        done = clients.answered
        suite.wait(lambda: clients.answered > done + 50, "load")
    # What the hung one had accepted is lost with it.
    assert len(clients.failures) <= 4 and not clients.errors
    assert suite.log_contains(r"killing front 0")


def test_the_supervisor_killed_takes_its_children_along(suite):
    """Children leave when their channel ends: nobody serves a model that nobody can change."""
    pids = suite.child_pids()
    suite.pids.update(pids)
    process, suite.process = suite.process, None
    process.kill()
    process.wait()
    suite.wait(lambda: not any(suite._is_ours(pid) for pid in pids), "the children to leave")


def test_connecting_for_each_request_does_not_wait(make_suite, release_dir, trained, tmp_path):
    """The even spread has a price, a pause before some accepts; it must not be paid by each
    request of those who connect anew (once they had a hundredth of the others' rate)."""
    suite = make_suite(bin_dir=release_dir)
    models.install(suite, trained[0], "production")
    suite.start()
    script = tmp_path / "post.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = [[%s]]\n' % json.dumps(rows.ROW))
    kept, connecting = (wrk(suite, script, *more) for more in ([], ["-H", "Connection: close"]))
    print(f"requests/s: {kept:.0f} on kept connections, {connecting:.0f} with one for each")
    assert connecting > kept / 20


def wrk(suite, script, *more):
    """Requests a second."""
    url = "http://%s:%d/score?explain=false" % suite.address
    done = models.run("wrk", "-t1", "-c24", "-d2", "-s", script, *more, url)
    return float(re.search(r"Requests/sec: *([0-9.]+)", done.stdout).group(1))


@pytest.mark.parametrize("workers, count, least", [(2, 64, 28), (4, 32, 6)])
def test_connections_are_spread_evenly(make_suite, trained, workers, count, least):
    suite = make_suite({"front": {"workers": workers}})
    models.install(suite, trained[0], "production")
    suite.start()
    pids = [suite.pid("front", instance) for instance in range(workers)]
    best = 0
    for _ in range(5):  # on a machine that is busy otherwise a worker may not run for a while
        connections = [suite.connect() for _ in range(count)]
        for connection in connections:
            scored(connection.request("POST", "/score", rows.ROW))
        held = [len(load.clients_of(pid, suite.address[1])) for pid in pids]
        print("connections of each worker:", held)
        assert sum(held) == count
        best = max(best, min(held))
        for connection in connections:
            connection.close()
        suite.wait(lambda: not any(load.clients_of(pid, suite.address[1]) for pid in pids),
                   "the connections to end")  # fmt: skip
        if best >= least:
            return
    raise AssertionError(f"one worker never had more than {best} of {count}")
