"""A host whose cable is cut: the server lives in a network of its own, each host has its own way to
it, and one of them goes dark without a word to either side."""

import os
import subprocess
import time

import postgres as clusters
import pytest
from scheduling import Database, jobs_suite

FAIL_OVER = 10  # seconds
SPACE = f"fdcut{os.getpid()}"
LINK = f"fc{os.getpid()}-"  # 15 bytes at most


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


def must(*words):
    done = ip(*words)
    assert done.returncode == 0, done.stderr


class Remote(clusters.Postgres):
    """A cluster in a network namespace that also listens there."""

    def _shell(self, words):
        return super()._shell(f'exec ip netns exec {SPACE} bash -c \'. "{clusters.SOURCE}/scripts/lib/'
                              f'postgres.sh" && {words}\' bash "$1"')  # fmt: skip

    def start(self):
        super().start()
        with open(self.home / "data" / "pg_hba.conf", "a", encoding="ascii") as file:
            file.write("host all all 10.213.0.0/16 trust\n")
        with open(self.home / "data" / "postgresql.conf", "a", encoding="ascii") as file:
            file.write("listen_addresses = '*'\n")
        self._shell('pg_stop "$1"')
        return super().start()


@pytest.fixture
def ways():
    """The server's addresses as two hosts see them, each by a link of its own."""
    if ip("netns", "add", SPACE).returncode:
        pytest.skip("may not make a network namespace")
    try:
        for i in (1, 2):
            must("link", "add", LINK + str(i), "type", "veth", "peer", "name", f"peer{i}")
            must("link", "set", f"peer{i}", "netns", SPACE)
            must("address", "add", f"10.213.{i}.1/30", "dev", LINK + str(i))
            must("-n", SPACE, "address", "add", f"10.213.{i}.2/30", "dev", f"peer{i}")
            must("link", "set", LINK + str(i), "up")
            must("-n", SPACE, "link", "set", f"peer{i}", "up")
        yield "10.213.1.2", "10.213.2.2"
    finally:
        for i in (1, 2):
            ip("link", "del", LINK + str(i))
        ip("netns", "del", SPACE)


@pytest.fixture
def server(ways):
    cluster = Remote().start()
    yield cluster
    cluster.stop()


def test_fail_over(server, ways, bin_dir, make_suite, trained):
    with Database(server, bin_dir, "cut") as database:
        name = database.url.partition("@/")[2].partition("?")[0]

        def host(called, address):
            return jobs_suite(make_suite, trained[0], database, {
                "host_name": called,
                "database": {"url": f"postgresql://fraudd@{address}/{name}"},
                "batch": {"interval_seconds": 1},
                "retrain": {"every_n_batches": 0},
            }).start()  # fmt: skip

        def leader():
            return database.one("select host from scheduler_state join scheduler_leads"
                                " using (partition)")  # fmt: skip

        alpha = host("alpha", ways[0])
        alpha.wait(lambda: leader() == "alpha", "alpha to lead")
        beta = host("beta", ways[1])
        beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
        database.wait_scored(alpha)
        before = time.monotonic()
        must("link", "set", LINK + "1", "down")
        beta.wait(lambda: leader() == "beta", "beta to lead")
        taken = time.monotonic() - before
        alpha.wait_log("this host leads partition 0 no more")
        database.add_rows(100)
        database.wait_scored(beta)
        must("link", "set", LINK + "1", "up")
        alpha.wait(lambda: database.one("select count(*) from scheduler_hosts"
                                        " where seen_at > now() - interval '3 s'") == 2,
                   "alpha to be back")  # fmt: skip
        print(f"another host led {taken:.2f} s after the cut")
        assert taken <= FAIL_OVER
        assert database.one("select sum(scored) from job_runs") == database.count("transactions")
        assert database.count("fraud_scores") == database.count("transactions")
