"""A private PostgreSQL cluster, by the same shell functions that scripts/demo uses."""

import os
import pathlib
import shutil
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Postgres:
    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="fdpg-", dir="/tmp"))
        self.home.rmdir()  # pg_start makes it, for the user that the server runs as
        self.url = None

    def _shell(self, words):
        script = f'. "{SOURCE}/scripts/lib/postgres.sh" && {words}'
        done = subprocess.run(
            ["bash", "-c", script, "bash", self.home],
            capture_output=True,
            text=True,
            env=os.environ | {"PG_FAST": "1"},
            stdin=subprocess.DEVNULL,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self):
        self.url = self._shell('pg_start "$1" fraudd')
        return self

    def database(self, name):
        """The URL of another, empty database of the cluster."""
        return self._shell(f'pg_start "$1" {name}')

    def crash(self):
        """Every server process ends at once; start() recovers."""
        self._shell('pg_as_owner "$(pg_bin)/pg_ctl" stop -s -m immediate -D "$1/data"')

    def stop(self):
        self._shell('pg_stop "$1"')
        shutil.rmtree(self.home, ignore_errors=True)
