"""Training by several processes, as launchers start them on one machine or on several."""

import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from bsn.data import Image, write_image

WORDS = ["--model", "phase-unet-tiny", "--steps", "3", "--crop", "32", "--batch_size", "2", "--accelerator", "cpu"]
WORDS += ["--stride", "1", "--noise", "none", "--hole", "none", "--loss", "l2", "--context", "0"]
SAID_BY_LAUNCHERS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT", "GROUP_RANK")


def start(folder, launcher, *more, **environment):
    known = {name: value for name, value in os.environ.items() if name not in SAID_BY_LAUNCHERS}
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "bsn", "train", str(folder / "noisy"), *WORDS, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**known, "OMP_NUM_THREADS": "1", **environment},
    )


def finish(*processes):
    said = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(said)
    return said


@pytest.mark.slow
def test_launchers_and_machines_train_the_same_network(tmp_path):
    (tmp_path / "noisy").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).poisson(40, (64, 64)).astype(np.uint8)
        write_image(tmp_path / "noisy" / f"{number}.png", Image(pixels, "YX"))
    (said,) = finish(start(tmp_path, [], "-o", str(tmp_path / "devices"), "--devices", "2"))
    assert said.count("trained 3 steps") == 1
    run = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    launched = start(tmp_path, ["-m", *run], "-o", str(tmp_path / "torchrun"), "--devices", "2")
    (said,) = finish(launched)
    assert said.count("trained 3 steps") == 1
    port = str(20000 + os.getpid() % 20000)
    machines = [
        start(
            tmp_path,
            [],
            "-o",
            str(tmp_path / "nodes"),
            "--num_nodes",
            "2",
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=port,
            NODE_RANK=str(node),
        )
        for node in range(2)
    ]
    first, second = finish(*machines)
    assert (first.count("trained 3 steps"), second.count("trained 3 steps")) == (1, 0)
    weights = [load_file(tmp_path / name / "final.safetensors") for name in ("devices", "torchrun", "nodes")]
    for other in weights[1:]:
        for name, value in weights[0].items():
            np.testing.assert_array_equal(other[name], value)
