"""``python -m tools.bundled -o RUN``: train the weights in the box again."""

from __future__ import annotations

import argparse
import dataclasses

from tools.bundled.train import CONFIG, LOOP, train_bundled


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", required=True, help="folder of the run")
    parser.add_argument("--steps", type=int, default=LOOP.steps)
    parser.add_argument("--batch_size", type=int, default=CONFIG.batch_size)
    options = parser.parse_args()
    result = train_bundled(
        options.output,
        dataclasses.replace(CONFIG, batch_size=options.batch_size),
        dataclasses.replace(LOOP, steps=options.steps),
    )
    print(f"{result.steps} steps in {result.seconds / 60:.1f} minutes: {dict(result.validation)}")


if __name__ == "__main__":
    main()
