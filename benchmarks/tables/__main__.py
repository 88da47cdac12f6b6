"""Print tables of the documentation."""

from __future__ import annotations

import sys

from benchmarks.tables import TABLES

if __name__ == "__main__":
    names = sys.argv[1:]
    unknown = sorted(set(names) - set(TABLES))
    if unknown:
        sys.exit(f"there is no table {', '.join(unknown)}; choose from {', '.join(TABLES)}")
    for name in names:
        table = TABLES[name]()
        print(table.markdown(), table.provenance(), sep="\n\n", end="\n\n")
    if not names:
        print(*(f"{name}: {(maker.__doc__ or '').splitlines()[0]}" for name, maker in TABLES.items()), sep="\n")
