"""How long the demo trains: by the pace of the machine, within bounds."""

import pytest

from bsn.demo.run import training_length


@pytest.mark.parametrize(
    ("minutes", "seconds_per_step", "steps", "slow"),
    [(2.5, 0.25, 570, False), (2.5, 0.01, 3900, False), (2.5, 0.8, 400, True), (0.1, 0.25, 400, True)],
    ids=["by the pace", "fast machine", "slow machine", "short budget"],
)
def test_the_length_follows_the_pace_within_bounds(minutes, seconds_per_step, steps, slow):
    said = []
    assert training_length(minutes, seconds_per_step, said.append) == steps
    assert bool(said) == slow
    if slow:
        assert f"take {400 * seconds_per_step / 60:.1f} minutes" in said[0]
