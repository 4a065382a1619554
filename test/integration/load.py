"""Clients that keep a suite busy while something happens to it, and the kernel's own account of
which process holds which connection."""

import os
import pathlib
import threading

import wire


class Clients:
    """`count` threads, each with one connection at a time and one request at a time. Every answer
    goes to `check(answer)`; a request that got none is a failure with its local port.

    keep_alive False: a new connection for each request."""

    def __init__(self, address, count, request, check=lambda answer: None, keep_alive=True):
        self.address = address
        self.request = request
        self.check = check
        self.keep_alive = keep_alive
        self.answered = 0
        self.failures = []  # (local port, what happened)
        self.errors = []  # what `check` did not like
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._gate = threading.Lock()  # nobody sends while it is decided that nothing more is sent
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def send_no_more(self):
        """From then on each client has sent its last request, or none that is not answered."""
        with self._gate:
            self._stop.set()

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"

    def _run(self):
        connection = None
        while not self._stop.is_set():
            connection = connection or wire.Connection(self.address)
            try:
                with self._gate:
                    if self._stop.is_set():
                        break
                    connection.send(self.request)
                answer = connection.receive()
            except (wire.Broken, OSError) as error:
                with self._lock:
                    self.failures.append((connection.port, repr(error)))
                answer = None
            self._account(answer)
            if answer is None or not self.keep_alive or answer.field("Connection") == "close":
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _account(self, answer):
        if answer is None:
            return
        try:
            self.check(answer)
        except AssertionError as error:
            self.errors.append(str(error))
            self._stop.set()
        with self._lock:
            self.answered += 1

    def assert_good(self):
        assert not self.errors, self.errors[0]
        assert not self.failures, self.failures


def open_files(pid):
    """What the descriptors of a process point at."""
    found = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    return found


def sockets(pid):
    """Inodes of the sockets that a process holds."""
    return {int(name[8:-1]) for name in open_files(pid) if name.startswith("socket:[")}


ESTABLISHED, CLOSE_WAIT = "01", "08"


def clients_of(pid, port):
    """Ports of the clients whose connections to our `port` the process holds."""
    mine = sockets(pid)
    found = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, peer, state, *rest = line.split()
        inode = int(rest[5])
        if int(local.split(":")[1], 16) == port and state in (ESTABLISHED, CLOSE_WAIT):
            if inode in mine:
                found.add(int(peer.split(":")[1], 16))
    return found


def sockets_or_none(pid):
    """None when there is no such process."""
    try:
        return sockets(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
