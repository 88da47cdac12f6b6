"""The notebooks run from the first cell to the last, on small images and for a few steps."""

import json
from pathlib import Path

import pytest

from tests.helpers.fresh import run_fresh

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# In IPython's own shell, as in Jupyter: cells may end with a value or use what only notebooks know.
CODE = """
import json, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for number, cell in enumerate(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        result = shell.run_cell("".join(cell["source"]))
        if not result.success:
            sys.exit(f"cell {number}: {result.error_before_exec or result.error_in_exec!r}")
"""


def run(notebook, folder):
    settings = {"BSN_NOTEBOOK_FAST": "1", "MPLBACKEND": "Agg", "IPYTHONDIR": str(folder), "TMPDIR": str(folder)}
    return run_fresh(CODE, notebook, folder=folder, path=[ROOT], environment=settings)


# The one that newcomers open first; the others run before a release.
QUICK = ("01",)
MARKED = [pytest.param(n, marks=() if n.name.startswith(QUICK) else pytest.mark.slow, id=n.stem) for n in NOTEBOOKS]


@pytest.mark.parametrize("notebook", MARKED)
def test_every_cell_runs(notebook, tmp_path):
    done = run(notebook, tmp_path)
    assert done.returncode == 0, done.stderr[-500:] + done.stdout[-3000:]


def test_a_cell_that_fails_is_told(tmp_path):
    (tmp_path / "broken.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": ["1 / 0"]}]}))
    done = run(tmp_path / "broken.ipynb", tmp_path)
    assert done.returncode == 1
    assert "cell 0: ZeroDivisionError" in done.stderr
