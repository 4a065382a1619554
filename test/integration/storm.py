"""What the storms share: their size, writers that hold transactions open and sometimes roll back, a
server that restarts.

FRAUDD_STORM sets the size: "rows=200000 writers=8 hold=60 kills=50 restarts=2" is the promise of
the design; the default takes a quarter of a minute for each of them."""

import os
import random
import threading
import time

import psycopg

SIZE = {"rows": 14000, "writers": 8, "hold": 4, "kills": 10, "restarts": 1}
SIZE |= {k: int(v) for k, v in (w.split("=") for w in os.environ.get("FRAUDD_STORM", "").split())}
BURST = 300


def seed():
    """Told, so that a storm that found something can be had again."""
    number = int(os.environ.get("FRAUDD_STORM_SEED", time.time()))
    print("FRAUDD_STORM_SEED", number)
    return number


def restart(cluster, chance):
    """As a crash or as an operator does it."""
    how = chance.choice(("immediate", "fast"))
    cluster._shell('pg_as_owner "$(pg_bin)/pg_ctl" stop -w -s -D "$1/data" -m ' + how)
    cluster.start()


class Writers:
    """Threads that insert until `rows` are committed; a context: they end with it."""

    def __init__(self, batch, number):
        self.batch = batch
        self.seed = number
        self.left = SIZE["rows"]
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.failed = None
        self.longest = 0
        self.rolled_back = 0
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(SIZE["writers"])]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def active(self):
        return any(thread.is_alive() for thread in self.threads)

    def share(self):
        """How much is committed, 0 to 1 and a little more."""
        return 1 - self.left / SIZE["rows"]

    def _run(self, number):
        chance = random.Random(self.seed + number)
        try:
            while self.left > 0 and not self.stop.is_set():
                try:
                    with self.batch.connect() as connection:
                        while self.left > 0 and not self.stop.is_set():
                            self._transaction(connection, chance)
                except psycopg.OperationalError:
                    self.stop.wait(0.1)  # the server restarts: the transaction is gone
        except BaseException as error:  # the test must hear of it
            self.failed = error
            raise

    def _transaction(self, connection, chance):
        hold = SIZE["hold"] * chance.random() ** 4
        bursts = chance.randint(1, 4)
        rows = 0
        begin = time.monotonic()
        for _ in range(bursts):
            rows += len(self.batch.insert(chance.randint(1, BURST), connection))
            self.stop.wait(hold / bursts)
        if chance.random() < 0.1:
            connection.rollback()
            self.rolled_back += rows
            return
        connection.commit()
        with self.lock:
            self.left -= rows
            self.longest = max(self.longest, time.monotonic() - begin)
