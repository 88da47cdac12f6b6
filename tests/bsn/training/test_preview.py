import shutil

import numpy as np

from bsn.engine import Progress
from bsn.inference import Denoiser
from bsn.models import Model, create
from bsn.training import PreviewTimes, learned_so_far


def test_what_was_learned_so_far_denoises_as_its_file_does_and_leaves_none(tmp_path):
    file, saved = tmp_path / "model.safetensors", []
    Model(create("phase-unet-tiny", channels=1)).save(file)
    plane = np.random.default_rng(0).random((1, 40, 48), np.float32)
    progress = Progress(
        5, None, 1.0, 5.0, {"loss": 0.5}, {}, lambda path: (saved.append(path), shutil.copyfile(file, path))
    )
    assert np.array_equal(learned_so_far(progress)(plane, "CYX"), Denoiser(file)(plane, "CYX"))
    assert len(saved) == 1
    assert not saved[0].parent.exists()


def test_previews_that_cost_much_are_rare(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("bsn.training.preview.time.monotonic", lambda: now[0])
    times = PreviewTimes(first=3.0, every=10.0, share=0.1)
    for cost, wait in ((0.5, 10.0), (2.0, 20.0)):
        now[0] += 3.0
        assert times.due
        with times.measured():
            now[0] += cost
        now[0] += wait - 0.1
        assert not times.due
        now[0] += 0.1 - 3.0
        assert not times.due
