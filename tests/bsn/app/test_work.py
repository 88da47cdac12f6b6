"""Jobs without a browser: batches, pauses, cancellations, downloads, and what a second tab sees."""

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bsn.app.tasks import Stopped
from bsn.data import Image, write_image
from tests.bsn.app.serving import INSPECTED, ThreadLane, fake_work, settings_for, visit


@pytest.fixture
def folder(tmp_path):
    """A folder with three images, of which one is broken."""
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, Image(np.full((32, 32), 100, np.uint8), "YX"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    return tmp_path


def denoise(order, tell, stop):
    """Copies files, and fails for one."""
    for image in order["images"]:
        if "broken" in image["path"]:
            tell({"item": image["item"], "failed": f"{image['path']}: cannot be read; copy it again"})
            continue
        target = ready_path(image["target"])
        target.write_bytes(ready_path(image["path"]).read_bytes())
        tell({"item": image["item"], "done": {"model": "photo-tiny", "strength": order["strength"]}})
    return {"done": 2, "failed": 1}


def ready_path(text):
    """A path whose folder exists."""
    path = Path(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


async def add_all(visitor):
    await visitor.ask("POST", "/api/folder", json={"root": 0, "path": ""})
    state = await visitor.until(lambda state: all(item["state"] == "known" for item in state["items"]))
    return [item["id"] for item in state["items"]]


def test_a_batch_lists_what_failed_and_why_and_all_results_are_saved_together(folder):
    async def story(visitor):
        numbers = await add_all(visitor)
        status, _, _ = await visitor.ask("POST", "/api/denoise", json={"items": numbers, "strength": 0.7})
        assert status == 200
        state = await visitor.until(lambda state: state["jobs"][0]["state"] == "done")
        work = {item["name"]: (item["work"], item["failure"]) for item in state["items"]}
        assert work["broken.png"] == ("failed", "broken.png: cannot be read; copy it again")
        assert work["a.png"] == work["b.png"] == ("done", "")
        async with visitor.session.get(
            f"{visitor.base}/api/results.zip",
            headers={"Origin": visitor.base, "Cookie": f"{visitor.guard.cookie}=the-key"},
        ) as answer:
            assert "attachment" in answer.headers["Content-Disposition"]
            archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
        assert sorted(archive.namelist()) == ["a.png", "b.png"]
        assert archive.read("a.png") == (folder / "a.png").read_bytes()
        first = next(item for item in state["items"] if item["name"] == "a.png")
        _, _, headers = await visitor.ask("GET", f"/api/items/{first['id']}/result")
        assert headers["Content-Type"] == "application/octet-stream"
        broken = next(item for item in state["items"] if item["name"] == "broken.png")
        assert (await visitor.ask("GET", f"/api/items/{broken['id']}/result"))[0] == 400

    visit(settings_for(folder), story, work=fake_work(denoise=denoise))


def test_results_never_replace_files_of_earlier_sessions(folder):
    (folder / "out" / "denoised").mkdir(parents=True)
    (folder / "out" / "denoised" / "a.png").write_bytes(b"earlier")

    async def story(visitor):
        await visitor.ask("POST", "/api/folder", json={"root": 0, "path": "", "names": ["a.png"]})
        (item,) = visitor.desk.state()["items"]
        for _ in range(2):  # again: the same file of this session
            await visitor.ask("POST", "/api/denoise", json={"items": [item["id"]]})
            await visitor.until(lambda state: all(job["state"] == "done" for job in state["jobs"]))

    visit(settings_for(folder), story, work=fake_work(denoise=denoise))
    assert sorted(path.name for path in (folder / "out" / "denoised").iterdir()) == ["a (2).png", "a.png"]
    assert (folder / "out" / "denoised" / "a.png").read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"items": []}, "no images"),
        ({"items": [1], "strength": 2}, "strength"),
        ({"items": [1], "strength": "1"}, "another type"),
        ({"items": [1], "neighbours": 99}, "neighbours"),
        ({"items": [1], "model": "/etc/passwd"}, "not in the list"),
        ({"items": [1], "model": "run:../../etc"}, "not in the list"),
        ({"items": ["1"]}, "not numbers"),
        ([1], "not an object"),
    ],
)
def test_orders_that_make_no_sense_are_refused(folder, order, why):
    async def story(visitor):
        await add_all(visitor)
        status, said, _ = await visitor.ask("POST", "/api/denoise", json=order)
        assert (status, why in said["error"]) == (400, True), said

    visit(settings_for(folder), story)


class Training:
    """Steps until it is asked to stop; goes on from where it was."""

    def __init__(self, total=400):
        self.total, self.begun, self.step = total, [], 0

    def __call__(self, order, tell, stop):
        self.begun.append(order)
        tell({"said": "the noise is white"})
        while self.step < self.total:
            self.step += 1
            tell({"step": self.step, "total": self.total, "loss": 1 / self.step, "rate": 100.0, "left": 1.0})
            if stop.wait(0.002):
                ready_path(f"{order['run']}/last.ckpt").write_text("")
                return {"paused": True, "steps": self.step}
        ready_path(f"{order['run']}/final.safetensors").write_text("")
        return {"paused": False, "steps": self.step}


def test_a_training_is_paused_resumed_and_offered_as_a_model(folder):
    training = Training()

    async def story(visitor):
        numbers = await add_all(visitor)
        await visitor.ask("POST", "/api/train", json={"items": numbers[:2], "minutes": 3, "name": "../my <run>"})
        state = await visitor.until(lambda state: state["jobs"][0]["progress"].get("step", 0) > 5)
        job = state["jobs"][0]
        reached = job["progress"]["step"]  # a number of now: the state in this process goes on counting
        assert job["state"] == "running"
        assert job["said"] == ["the noise is white"]
        assert job["run"] == str(folder / "out" / "runs" / "my _run_")
        assert (await visitor.ask("DELETE", f"/api/items/{numbers[0]}"))[0] == 400, "it is in use"
        # A second tab, or the same one reopened, sees the work that goes on.
        async with visitor.session.ws_connect(
            f"{visitor.base}/api/live", headers={"Origin": visitor.base, "Cookie": f"{visitor.guard.cookie}=the-key"}
        ) as socket:
            seen = await socket.receive_json()
            assert seen["jobs"][0]["progress"]["step"] >= reached
        await visitor.ask("POST", f"/api/jobs/{job['id']}/pause")
        state = await visitor.until(lambda state: state["jobs"][0]["state"] == "paused")
        stopped_at = training.step
        assert state["models"] == [{"value": "box:photo-tiny", "name": "photo-tiny", "what": "photographs"}]
        assert (await visitor.ask("POST", f"/api/jobs/{job['id']}/pause"))[0] == 400
        training.total = stopped_at + 5
        await visitor.ask("POST", f"/api/jobs/{job['id']}/resume")
        state = await visitor.until(lambda state: state["jobs"][0]["state"] == "done")
        assert state["jobs"][0]["progress"]["step"] == stopped_at + 5
        assert state["models"][-1]["value"] == "run:my _run_"
        assert len(training.begun) == 2
        await visitor.ask("POST", f"/api/jobs/{job['id']}/forget")
        assert visitor.desk.state()["jobs"] == []

    visit(settings_for(folder), story, runs=ThreadLane(train=training))


def test_a_training_that_an_earlier_session_paused_is_listed(folder):
    run = folder / "out" / "runs" / "old"
    run.mkdir(parents=True)
    (run / "last.ckpt").write_text("")
    training = Training(total=3)

    async def story(visitor):
        (job,) = visitor.desk.state()["jobs"]
        assert (job["title"], job["state"]) == ("Train “old”", "paused")
        await visitor.ask("POST", f"/api/jobs/{job['id']}/resume")
        await visitor.until(lambda state: state["jobs"][0]["state"] == "done")
        assert training.begun[0]["run"] == str(run)

    visit(settings_for(folder), story, runs=ThreadLane(train=training))


def test_a_cancelled_training_leaves_no_folder_and_cancelled_batches_keep_finished_images(folder):
    training, waiting = Training(total=10**6), threading.Event()

    def slow(order, tell, stop):
        first, *_ = order["images"]
        tell({"item": first["item"], "done": {"model": "photo-tiny", "strength": 1.0}})
        waiting.set()
        assert stop.wait(20)
        raise Stopped

    async def story(visitor):
        numbers = await add_all(visitor)
        await visitor.ask("POST", "/api/train", json={"items": numbers, "minutes": 3})
        await visitor.ask("POST", "/api/denoise", json={"items": numbers})
        state = await visitor.until(lambda state: waiting.is_set() and training.step > 3)
        ready_path(f"{state['jobs'][0]['run']}/last.ckpt").write_text("")
        for job in state["jobs"]:
            status, said, _ = await visitor.ask("POST", f"/api/jobs/{job['id']}/cancel")
            assert status == 200, said
        state = visitor.desk.state()
        assert [job["state"] for job in state["jobs"]] == ["cancelled", "cancelled"]
        assert [item["work"] for item in state["items"]] == ["done", "", ""]

    runs = ThreadLane(train=training)
    visit(settings_for(folder), story, runs=runs, work=fake_work(denoise=slow))
    assert list((folder / "out" / "runs").iterdir()) == []


def test_a_training_leaves_broken_images_out_and_says_so(folder):
    def inspect(order, tell, stop):
        if order["path"].endswith("broken.png"):
            raise ValueError("it cannot be read")
        return dict(INSPECTED)

    training = Training(total=2)

    async def story(visitor):
        await visitor.ask("POST", "/api/folder", json={"root": 0, "path": ""})
        state = await visitor.until(lambda state: all(item["state"] in ("known", "broken") for item in state["items"]))
        numbers = [item["id"] for item in state["items"]]
        status, said, _ = await visitor.ask("POST", "/api/train", json={"items": numbers})
        assert status == 200, said
        state = await visitor.until(lambda state: state["jobs"][0]["state"] == "done")
        assert "left out, since they cannot be read: broken.png" in state["jobs"][0]["said"]
        broken = [item["id"] for item in state["items"] if item["state"] == "broken"]
        assert (await visitor.ask("POST", "/api/train", json={"items": broken}))[0] == 400

    visit(settings_for(folder), story, runs=ThreadLane(train=training), work=fake_work(inspect=inspect))
    assert [path.rpartition("/")[2] for path in training.begun[0]["images"]] == ["a.png", "b.png"]


def test_removed_uploads_are_deleted_and_images_of_folders_are_not(folder):
    async def story(visitor):
        await visitor.upload("mine.png", (folder / "a.png").read_bytes())
        numbers = await add_all(visitor)
        for number in numbers:
            assert (await visitor.ask("DELETE", f"/api/items/{number}"))[0] == 200
        assert visitor.desk.state()["items"] == []

    visit(settings_for(folder), story)
    assert not (folder / "out" / "uploads" / "mine.png").exists()
    assert (folder / "a.png").exists()


def test_pictures_are_made_before_and_after_and_of_every_plane(folder):
    rng = np.random.default_rng(0)
    write_image(folder / "stack.tif", Image(rng.integers(0, 4000, (3, 24, 20), dtype=np.uint16), "TYX"))

    async def story(visitor):
        await visitor.ask("POST", "/api/folder", json={"root": 0, "path": "", "names": ["stack.tif"]})
        (item,) = visitor.desk.state()["items"]
        _, found, _ = await visitor.ask("GET", f"/api/items/{item['id']}/picture")
        assert (found["planes"], found["plane"], found["height"], found["width"]) == (3, 1, 24, 20)
        assert found["kinds"] == ["before"]
        await visitor.ask("POST", "/api/denoise", json={"items": [item["id"]]})
        await visitor.until(lambda state: state["items"][0]["work"] == "done")
        _, found, _ = await visitor.ask("GET", f"/api/items/{item['id']}/picture", params={"plane": "2"})
        assert found["kinds"] == ["before", "after", "removed"]
        for kind in found["kinds"]:
            status, _, headers = await visitor.ask("GET", f"/api/pictures/{found['key']}/{kind}.png")
            assert (status, headers["Content-Type"]) == (200, "image/png")
        beyond = await visitor.ask("GET", f"/api/items/{item['id']}/picture", params={"plane": "3"})
        assert beyond[0] == 400

    visit(settings_for(folder), story, work=fake_work(denoise=denoise))
