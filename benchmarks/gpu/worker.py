"""One part in a process of its own; started by ``benchmarks.gpu``, which stops it at its limit.

Every result is written as soon as it is there, so that a part that is stopped keeps what it has, and goes on there. A task
that fails leaves its message and does not stop the others; it is tried again by the next run.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

from benchmarks.gpu.command import parse
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.plan import Part, Setting
from benchmarks.gpu.records import Records


def run_part(part: Part, setting: Setting, records: Records) -> bool:
    """Run the tasks that have no result yet.

    Parameters
    ----------
    part : Part
    setting : Setting
    records : Records

    Returns
    -------
    bool
        Whether all tasks have a result now.
    """
    run = records.present(part.name)
    run["tiny"], run["device"] = setting.tiny, setting.device
    before, start = float(run["seconds"]), time.monotonic()
    tasks = part.tasks(setting)
    for name, task in tasks.items():
        if name in run["results"]:
            continue
        print(f"  {part.name}: {name}", flush=True)
        try:
            run["results"][name] = task()
            run["errors"].pop(name, None)
        except Exception as error:
            traceback.print_exc()
            run["errors"][name] = f"{type(error).__name__}: {error}"[:500]
        run["seconds"] = round(before + time.monotonic() - start, 1)
        run["complete"] = tasks.keys() <= run["results"].keys()
        records.write(part.name, run)
    return bool(run["complete"])


def main() -> int:
    options = parse(sys.argv[1:])
    setting = Setting(options.device, options.tiny, options.data, options.runs)
    records = Records(options.results, options.card, options.commit, options.earlier)
    (part,) = (part for part in PARTS if part.name in options.only)
    Path(options.runs).mkdir(parents=True, exist_ok=True)
    return 0 if run_part(part, setting, records) else 1


if __name__ == "__main__":
    sys.exit(main())
