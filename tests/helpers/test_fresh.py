"""The helper for fresh processes shows what a process does, and leaves the tests alone."""

import os
import sys

from tests.helpers.fresh import run_fresh, run_ranks


def test_output_arguments_folder_path_and_environment(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "only_here.py").write_text("NAME = 'found'")
    code = "import only_here, os, sys; print(only_here.NAME, sys.argv[1], os.getcwd(), os.environ['MARK'])"
    done = run_fresh(code, 7, folder=tmp_path, path=[tmp_path / "other"], environment={"MARK": "x"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"found 7 {tmp_path} x\n"
    assert "MARK" not in os.environ
    assert "only_here" not in sys.modules


def test_errors_exits_and_signals_are_told_apart(tmp_path):
    failed = run_fresh("raise KeyError('lost')", folder=tmp_path)
    assert failed.returncode == 1
    assert "KeyError: 'lost'" in failed.stderr
    assert run_fresh("raise SystemExit(3)", folder=tmp_path).returncode == 3
    said = run_fresh("raise SystemExit('why')", folder=tmp_path)
    assert (said.returncode, said.stderr) == (1, "why\n")
    assert run_fresh("import os; os.kill(os.getpid(), 9)", folder=tmp_path).returncode == -9


def test_each_process_imports_our_packages_anew(tmp_path):
    code = "import sys; print('bsn' in sys.modules, 'torch' in sys.modules); import bsn"
    assert [run_fresh(code, folder=tmp_path).stdout for _ in range(2)] == ["False True\n"] * 2


def test_ranks_run_at_once_and_know_their_numbers(tmp_path):
    """Each waits for the file of the other, which would never come if one ran after the other."""
    code = """
import os, pathlib, time
me, other = (pathlib.Path(str(rank)) for rank in (int(os.environ["LOCAL_RANK"]), 1 - int(os.environ["LOCAL_RANK"])))
me.touch()
while not other.exists():
    time.sleep(0.01)
print(me, os.environ["MASTER_PORT"])
"""
    done = run_ranks(code, folder=tmp_path)
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 2
    (first, port), (second, same) = (one.stdout.split() for one in done)
    assert (first, second, port) == ("0", "1", same)
