"""The helper for fresh processes shows what a process does, and leaves the tests alone."""

import os
import sys

from tests.helpers.fresh import run_fresh


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
    assert run_fresh("import os; os.kill(os.getpid(), 9)", folder=tmp_path).returncode == -9


def test_each_process_imports_our_packages_anew(tmp_path):
    code = "import sys; print('bsn' in sys.modules, 'torch' in sys.modules); import bsn"
    assert [run_fresh(code, folder=tmp_path).stdout for _ in range(2)] == ["False True\n"] * 2
