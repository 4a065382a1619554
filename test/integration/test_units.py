"""The units for systemd as systemd itself reads them: nothing it complains of, what they give up,
and that what the programs call is not among it."""

import re
import shutil
import subprocess

import models
import pytest

FOLDER = models.SOURCE / "systemd"
SERVICES = ("fraudd.service", "fraudd-jobs.service")
EXPOSURE = 1.2  # of 10

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")


def analyze(*words):
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)  # fmt: skip


def test_units_are_understood(bin_dir, tmp_path):
    """The programs stand elsewhere before they are installed; all else as it is."""
    names = [*SERVICES, "fraudd-jobs.slice", "fraudd.socket"]
    for name in names:
        text = (FOLDER / name).read_text()
        (tmp_path / name).write_text(re.sub(r"/usr/bin/(fraud\w*) ", rf"{bin_dir}/\1 ", text))
    done = analyze("verify", "--man=no", *(tmp_path / name for name in names))
    said = [line for line in done.stderr.splitlines() if "fraudd" in line]
    assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_exposure(service):
    done = analyze("security", "--offline=true", "--no-pager", FOLDER / service)
    [figure] = re.findall(rf"Overall exposure level for {re.escape(service)}: ([\d.]+)", done.stdout)
    print(f"{service}: {figure}")
    assert float(figure) <= EXPOSURE


@pytest.mark.parametrize("service", SERVICES)
def test_calls_of_background_work_are_allowed(service):
    """Jobs run at a nice value, retrains and password hashes as SCHED_IDLE: both are among the
    @resources that are taken away."""
    lists = re.findall(r"^SystemCallFilter=(.*)$", (FOLDER / service).read_text(), re.M)
    taken = next(i for i, words in enumerate(lists) if words.startswith("~"))
    given = " ".join(lists[taken + 1 :]).split()
    taken_away = analyze("syscall-filter", "@resources").stdout.split()
    for call in ("setpriority", "sched_setscheduler"):
        assert call in taken_away and call in given, call
