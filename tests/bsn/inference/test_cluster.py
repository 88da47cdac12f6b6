"""Volumes denoised by the workers of a Dask cluster, and by several processes: the same bits, and nothing half written."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bsn.cli import main
from bsn.data import DataError, Image, open_image, write_image
from bsn.inference import Denoiser
from bsn.models import Model
from tests.helpers.networks import randomise, small

distributed = pytest.importorskip("distributed")
zarr = pytest.importorskip("zarr")


@pytest.fixture
def files(tmp_path):
    """A model with context, a noisy volume, and the result of one process."""
    network = randomise(small("phase-unet-tiny", channels=1, context=1, widths=(4, 8), blocks=(1, 1)))
    Model(network).save(tmp_path / "model.safetensors")
    pixels = np.random.default_rng(0).poisson(900, (24, 300, 30)).astype(np.uint16)
    write_image(tmp_path / "in.ome.zarr", Image(pixels, "ZYX"))
    Denoiser(tmp_path / "model.safetensors").denoise_file(tmp_path / "in.ome.zarr", tmp_path / "whole.ome.zarr")
    return tmp_path


def check_equal(files, name):
    whole, found = (zarr.open(str(files / n), mode="r") for n in ("whole.ome.zarr", name))
    assert dict(found.attrs) == dict(whole.attrs)
    for level in ("0", "1"):
        np.testing.assert_array_equal(found[level][...], whole[level][...])
    assert not [path for path in files.iterdir() if path.name.endswith(".part")]


def test_a_scheduler_that_is_not_there_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bsn.inference.cluster._SECONDS", 0.2)
    write_image(tmp_path / "in.zarr", Image(np.zeros((20, 20), np.uint8), "YX"))
    words = ["denoise", str(tmp_path / "in.zarr"), "-o", str(tmp_path / "new" / "out.zarr")]
    assert main([*words, "--model", "photo-tiny", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("bsn denoise: the scheduler tcp://127.0.0.1:9: cannot be reached")
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.zarr"]


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed(files, capsys):
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        killed = []

        def kill_one():
            """As soon as a part is under way."""
            with Client(cluster) as client:
                while not any(client.processing().values()):
                    time.sleep(0.01)
                pid = client.run(os.getpid)
                killed.append(next(iter(pid.values())))
                os.kill(killed[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        words = ["denoise", str(files / "in.ome.zarr"), "-o", str(files / "out.ome.zarr")]
        code = main([*words, "--model", str(files / "model.safetensors"), "--scheduler", cluster.scheduler_address])
        killer.join()
    assert (code, len(killed)) == (0, 1), capsys.readouterr().err
    check_equal(files, "out.ome.zarr")


def start(files, name, *more, **environment):
    command = [sys.executable, "-m", "bsn", "denoise", str(files / "in.ome.zarr"), "-o", str(files / name)]
    return subprocess.Popen(
        [*command, "--model", str(files / "model.safetensors"), "--device", "cpu", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.ome.zarr", "out.h5", "out.tif"])
def test_two_processes_write_one_file(files, name):
    out, err = (process := start(files, name, "--devices", "2")).communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.count("1 of 1 images denoised") == 1
    if name.endswith(".zarr"):
        check_equal(files, name)
    with open_image(files / "whole.ome.zarr") as whole, open_image(files / name, axes="ZYX") as found:
        for plane in range(whole.planes):
            np.testing.assert_array_equal(found.read_plane(plane), whole.read_plane(plane))


@pytest.mark.slow
def test_a_process_that_dies_leaves_nothing(files):
    process = start(files, "out.ome.zarr", "--devices", "2", "--tile", "0", "--ensemble")
    deadline = time.monotonic() + 120
    while not list(files.glob(".*.part/0")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    ranks = [pid for pid in children if "denoise" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert ranks
    os.kill(int(ranks[0]), signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    deadline = time.monotonic() + 30
    while list(files.glob(".*.part")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(path.name for path in files.iterdir()) == ["in.ome.zarr", "model.safetensors", "whole.ome.zarr"]


@pytest.mark.slow
def test_two_machines_share_several_files(files):
    """Two processes as two machines: what a launcher such as torchrun says is in the environment."""
    (files / "many").mkdir()
    for number in range(3):
        write_image(files / "many" / f"{number}.tif", Image(np.full((40, 40), 100 * number, np.uint16), "YX"))
    command = [sys.executable, "-m", "bsn", "denoise", str(files / "many"), "-o", str(files / "clean")]
    command += ["--model", str(files / "model.safetensors"), "--device", "cpu", "--num_nodes", "2"]
    port = str(20000 + os.getpid() % 20000)
    processes = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": str(node)},
        )
        for node in range(2)
    ]
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "3 of 3 images denoised" in said[0][0]
    assert sorted(path.name for path in (files / "clean").iterdir()) == ["0.tif", "1.tif", "2.tif"]


def test_a_cluster_without_dask_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    from bsn.inference.cluster import connect

    with pytest.raises(DataError, match=r"blindspot-denoising\[dask\]"), connect("tcp://127.0.0.1:9"):
        pass
