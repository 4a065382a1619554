"""Settings: what is wrong with a file is said with file, line and key, all of it at once, with
status 78; and a reload with a bad file changes nothing."""

import re
import subprocess

import models
import pytest
import rows
import suite as suites


def fraudd(bin_dir, *arguments, **environment):
    return subprocess.run(
        [bin_dir / "fraudd", *arguments],
        capture_output=True,
        text=True,
        env=suites.environment(**environment),
        timeout=60,
    )


BAD = {
    "unknown key": ("http:\n  idle: 5\n", 2, r'unknown key "http\.idle"'),
    "unknown group": ("htpp:\n  idle_timeout_ms: 5\n", 2, "htpp"),
    "repeated key": ("front:\n  workers: 1\n  workers: 2\n", 3, "workers"),
    "repeated group": ("front:\n  workers: 1\nlog:\n  level: info\nfront:\n  slice_us: 500\n", 5,
                       "front"),
    "wrong type": ("front:\n  workers: many\n", 2, r"front\.workers.*many"),
    "out of range": ("front:\n  workers: 2000\n", 2, r"front\.workers.*1024"),
    "negative": ("\nhttp:\n  max_body_bytes: -1\n", 3, r"http\.max_body_bytes"),
    "no such word": ("log:\n  level: loud\n", 2, r"log\.level.*debug"),
    "a list for a value": ("models:\n  dir: [a, b]\n", 2, r"models\.dir"),
    "a value for a group": ("front: 3\n", 1, "front"),
    "no YAML": ("front:\n  workers: [1\n", None, ""),
    "an alias of YAML": ("front: &a\n  workers: 1\nlog: *a\n", None, ""),
    "a listener without address": ("listeners:\n  - role: public\n", 2, "address"),
    "a listener's unknown key": ("listeners:\n  - address: 127.0.0.1:80\n    rôle: x\n", 3, "rôle"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_settings(bin_dir, tmp_path, name):
    text, line, words = BAD[name]
    path = tmp_path / "fraudd.yaml"
    path.write_text(text)
    for arguments in (["--check"], []):
        done = fraudd(bin_dir, *arguments, "--config", path)
        assert done.returncode == 78, done
        place = rf"fraudd\.yaml:{line or '[0-9]+'}:"
        assert re.search(f"{place}.*{words}", done.stderr), done.stderr


def test_all_mistakes_at_once(bin_dir, tmp_path):
    path = tmp_path / "fraudd.yaml"
    path.write_text("front:\n  workers: many\nhttp:\n  idle: 5\nlog:\n  level: loud\n")
    done = fraudd(bin_dir, "--check", "--config", path)
    assert done.returncode == 78
    assert [line for line in (2, 4, 6) if f"fraudd.yaml:{line}:" in done.stderr] == [2, 4, 6]


def test_a_missing_file_and_a_bad_override(bin_dir, tmp_path):
    done = fraudd(bin_dir, "--check", "--config", tmp_path / "absent.yaml")
    assert done.returncode == 78 and "absent.yaml" in done.stderr
    done = fraudd(bin_dir, "--check", "--set", "front.workers=x")
    assert done.returncode == 78 and "front.workers" in done.stderr
    done = fraudd(bin_dir, "--check", "--set", "front.wrkers=1")
    assert done.returncode == 78 and "front.wrkers" in done.stderr


def test_sources_by_their_rank(bin_dir, tmp_path):
    """Environment over .env over YAML; a setting on the command line over all."""
    path = tmp_path / "fraudd.yaml"
    path.write_text("front:\n  workers: 3\nhttp:\n  pipeline: 3\nlog:\n  level: error\n")
    (tmp_path / ".env").write_text("# ours\nFRONT_WORKERS=4\nHTTP_PIPELINE=4\nOTHER=x\n")
    done = fraudd(bin_dir, "--print-config", "--config", path, "--set", "models.name=other",
                  FRONT_WORKERS="5")  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    for group, key, value in (("front", "workers", "5"), ("http", "pipeline", "4"),
                              ("log", "level", "error"), ("models", "name", "other")):
        assert re.search(rf'^{group}:\n(  .*\n)*?  {key}: "?{value}"?( |$)', shown, re.M), key


def test_printed_settings_can_be_read_again(bin_dir, tmp_path):
    for option in ("--print-config", "--print-sample"):
        path = tmp_path / f"{option.strip('-')}.yaml"
        path.write_text(fraudd(bin_dir, option).stdout)
        done = fraudd(bin_dir, "--check", "--config", path, JWT_SECRET_KEY="k" * 32,
                      DATABASE_URL="postgresql:///fraudd")  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_secrets_are_not_printed(bin_dir):
    done = fraudd(bin_dir, "--print-config", DATABASE_URL="postgresql://u:geheim@/db")
    assert done.returncode == 0 and "geheim" not in done.stdout + done.stderr


# --- reload ---


def test_reload_with_a_bad_file_changes_nothing_and_says_why(suite):
    health, pids = suite.get("/health").json(), suite.child_pids()
    good = suite.config.read_text()
    suite.config.write_text(good + "http2:\n  x: 1\n")
    line = good.count("\n") + 2
    done = suite.reload()
    assert done.returncode == 1 and f"fraudd.yaml:{line}:" in done.stderr and "http2" in done.stderr
    mark = suite.log_mark()
    suite.hup()
    suite.wait_log(r"reload: bad settings: .*http2", mark)
    for key in ("model_version", "generation"):
        assert suite.get("/health").json()[key] == health[key]
    assert suite.child_pids() == pids
    suite.config.write_text(good)
    assert suite.reload().returncode == 0


def test_the_suite_is_asked_although_the_settings_are_broken(suite):
    """When they are broken an operator wants to know how the suite does."""
    good = suite.config.read_text()
    assert suite.status()["settings_error"] is None
    suite.config.write_text(good + "bogus: 1\n")
    done = suite.ctl("status")
    assert done.returncode == 0 and "bogus" in done.stderr and "refused" not in done.stdout
    assert suite.reload().returncode == 1
    done = suite.ctl("status")
    assert done.returncode == 0 and re.search(r"^settings +refused .*bogus", done.stdout, re.M)
    status = suite.status()
    assert "bogus" in status["settings_error"] and status["settings_refused_at"]
    done = suite.ctl("rollback")
    assert done.returncode == 1 and "cannot roll back" in done.stderr
    assert suite.ctl("unpin").returncode == 0
    suite.config.write_text(good)
    assert suite.reload().returncode == 0
    assert suite.status()["settings_error"] is None


def test_the_folder_of_the_socket_can_be_named(suite, tmp_path):
    run = suite.settings["runtime_dir"]
    suite.config.write_text("{")
    done = suite.ctl("status", "--runtime-dir", run)
    assert (done.returncode, done.stderr) == (0, "")
    done = suite.ctl("status", "--runtime-dir", str(tmp_path))
    assert done.returncode == 1 and f"{tmp_path}/control.sock" in done.stderr


def test_reload_with_a_bad_value_of_a_known_key(suite):
    suite.write_settings(http={"max_body_bytes": 5})
    done = suite.reload()
    assert done.returncode == 1 and "http.max_body_bytes" in done.stderr
    assert suite.post("/score", rows.ROW).status == 200


def test_reload_applies_to_every_worker(suite):
    body = rows.ROW | {"note": "x" * 3000}
    suite.write_settings(http={"max_body_bytes": 2048})
    assert suite.post("/score", body).status == 200, "a file alone changes nothing"
    done = suite.reload()
    assert done.returncode == 0, done.stderr
    for _ in range(8):
        assert suite.post("/score", body).status == 413
    assert suite.log_contains(r"setting http\.max_body_bytes has changed")


def test_hup_reloads_settings_and_model(suite, trained):
    suite.write_settings(http={"max_body_bytes": 2048})
    models.set_alias(suite, trained[1].name)
    mark = suite.log_mark()
    suite.hup()
    suite.wait_log(r'reload: reloaded, version "%s"' % trained[1].name, mark)
    assert suite.post("/score", rows.ROW | {"note": "x" * 3000}).status == 413
    assert suite.score(rows.ROW)["model_version"] == trained[1].name


def test_settings_stay_when_the_model_is_refused(suite):
    suite.write_settings(http={"max_body_bytes": 2048})
    models.set_alias(suite, "absent")
    done = suite.reload()
    assert done.returncode == 1 and "absent" in done.stderr
    assert suite.post("/score", rows.ROW | {"note": "x" * 3000}).status == 413
    assert suite.post("/score", rows.ROW).status == 200


def test_what_waits_for_a_restart_is_listed(suite):
    suite.write_settings(front={"workers": 3})
    done = suite.reload()
    assert done.returncode == 0 and "front.workers" in done.stdout
    assert len(suite.children("front")) == 2
    suite.stop()
    suite.start()
    assert len(suite.children("front")) == 3


def test_a_restarted_worker_has_the_new_settings(suite):
    suite.write_settings(http={"max_body_bytes": 2048})
    assert suite.reload().returncode == 0
    for instance in range(2):
        suite.wait_replaced(suite.kill("front", instance))
    for _ in range(8):
        assert suite.post("/score", rows.ROW | {"note": "x" * 3000}).status == 413
