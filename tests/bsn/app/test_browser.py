"""The page in a real Chromium: from a dropped file to the saved result, by mouse and by keyboard, wide and narrow."""

import base64

import h5py
import numpy as np
import pytest

from bsn.data import Image, read_image, write_image
from bsn.data.photographs import photograph
from tests.helpers.app_process import running_app
from tests.helpers.browser import browsing, needs_browser, until

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.timeout(600)]

READY = "document.querySelector('#connection').hidden && document.querySelector('#model').options.length > 1"
MEASURED = "[...document.querySelectorAll('.item .status')].filter(s => / noise, /.test(s.textContent)).length"
DENOISED = "[...document.querySelectorAll('.item .status')].filter(s => /Denoised/.test(s.textContent)).length"
AFTER = "document.querySelector('#after').naturalWidth > 0 && !document.querySelector('#after').hidden"
DROP = """async ({ name, content }) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const box = document.querySelector("#drop");
  box.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
  box.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
UNNAMED = """[...document.querySelectorAll("button, input, select, a[href], summary, img, progress, svg")]
  .filter((e) => e.checkVisibility() && !(e.tagName === "IMG" && e.alt === "" && e.closest("h1")))
  .filter((e) => !(e.ariaLabel || e.alt || e.title || e.textContent.trim()
    || [...(e.labels || [])].some((l) => l.textContent.trim())))
  .map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A noisy photograph of 8-bit RGB, a stack of 16-bit grey, and a broken file, with the truth of the first two."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    colour = np.moveaxis(photograph("chelsea.png")[:, 60:220, 100:300], 0, -1) * 255
    noisy = np.clip(colour + rng.normal(0, 25, colour.shape), 0, 255)
    write_image(folder / "cat.png", Image((noisy + 0.5).astype(np.uint8), "YXC", {"text": {"Author": "me"}}))
    grey = photograph("camera.png")[0][100:228, 100:228] * 30000 + 2000
    stack = np.stack([grey + rng.normal(0, 2500, grey.shape) for _ in range(3)])
    stored = {"resolution": (5.0, 5.0), "resolution_unit": "none"}
    write_image(folder / "stack.tif", Image(np.clip(stack, 0, 65535).astype(np.uint16), "ZYX", stored))
    (folder / "broken.tif").write_bytes((folder / "stack.tif").read_bytes()[:5000])
    truth = {"cat.png": colour, "stack.tif": np.broadcast_to(grey, stack.shape)}
    return folder, truth


def error(pixels, truth):
    return float(np.sqrt(np.mean((pixels.astype(float) - truth) ** 2)))


def saved(page, button, path):
    with page.expect_download() as download:
        page.click(button)
    assert download.value.suggested_filename == path.name
    download.value.save_as(path)
    return read_image(path)


@pytest.mark.parametrize("width", [1280, 390])
def test_from_a_dropped_file_to_the_saved_result(images, tmp_path, width):
    folder, truth = images
    with running_app(tmp_path) as address, browsing(width) as page:
        page.goto(address)
        assert "key" not in page.url
        until(page, READY)
        assert page.is_visible("#empty")
        for name in ("cat.png", "stack.tif", "broken.tif"):
            page.evaluate(DROP, {"name": name, "content": base64.b64encode((folder / name).read_bytes()).decode()})
        until(page, "document.querySelector('.upload.bad')")
        assert "broken.tif" in page.inner_text(".upload.bad")
        until(page, f"{MEASURED} === 2")
        page.click(".item .open:has-text('cat.png')")
        until(
            page,
            "document.querySelectorAll('#curve path').length && document.querySelector('#sentences').children.length > 1",
        )
        assert "independent from pixel to pixel" in page.inner_text("#headline")
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click("#denoise-go")
        until(page, f"{DENOISED} === 2")
        for name in ("cat.png", "stack.tif"):  # uploads go on side by side, so either may be the first of the list
            page.click(f".item .open:has-text('{name}')")
            until(page, AFTER)
            before, after = read_image(folder / name), saved(page, "#save", tmp_path / name)
            assert (after.pixels.shape, after.pixels.dtype, after.axes) == (
                before.pixels.shape,
                before.pixels.dtype,
                before.axes,
            )
            assert error(after.pixels, truth[name]) < 0.5 * error(before.pixels, truth[name])
            assert all(
                after.metadata[key] == value for key, value in before.metadata.items() if key in ("text", "resolution")
            )
        assert page.is_visible("#plane-row"), "of the stack"
        page.locator("#plane").press("End")
        until(
            page,
            "document.querySelector('#plane-out').textContent === '3 of 3' && document.querySelector('#wait').hidden",
        )
        page.check("input[name=mode][value=removed]", force=True)
        assert page.is_visible("#removed")
        page.check("input[name=zoom][value='1']", force=True)
        assert (
            page.evaluate("document.querySelector('#before').getBoundingClientRect().width * devicePixelRatio") == 128
        )
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.foreign == []
        assert page.errors == []


def test_everything_is_reached_by_keyboard(images, tmp_path):
    folder, _ = images

    def tab_to(page, selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached by Tab")

    with running_app(tmp_path) as address, browsing() as page:
        page.goto(address)
        until(page, READY)
        tab_to(page, "#choose")
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(folder / "cat.png")
        until(page, f"{MEASURED} === 1")
        tab_to(page, ".item .open")
        page.keyboard.press("Enter")
        tab_to(page, "#strength")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#strength-out") == "0.95"
        tab_to(page, "#denoise-go")
        page.keyboard.press("Enter")
        until(page, f"{DENOISED} === 1 && {AFTER}")
        tab_to(page, "#cut")
        page.keyboard.press("Home")
        assert page.evaluate("getComputedStyle(document.querySelector('#canvas')).getPropertyValue('--cut')") == "0%"
        tab_to(page, "#stage")
        tab_to(page, "#train-go")
        tab_to(page, "#open-folder")
        page.keyboard.press("Enter")
        assert page.is_visible("#folders")
        page.keyboard.press("Escape")
        assert not page.is_visible("#folders")
        assert page.errors == []


def test_names_with_markup_are_shown_as_they_are(images, tmp_path):
    name = "<img src=x onerror=document.title=1>.png"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_bytes((images[0] / "cat.png").read_bytes())
    with running_app(tmp_path) as address, browsing() as page:
        page.goto(address)
        until(page, READY)
        page.click("#open-folder")
        page.click("text=sub")
        until(page, "!document.querySelector('#use-folder').disabled")
        assert name in page.inner_text("#found")
        page.click("#use-folder")
        until(page, "document.querySelector('.item')")
        assert page.inner_text(".item .name") == name
        assert page.inner_text("#viewer-title") == name
        assert page.evaluate("document.querySelectorAll('.item img, h2 img').length") == 0
        assert page.title() == "Blindspot"
        assert page.foreign == []


def test_a_file_of_several_images_is_read_after_one_is_named(images, tmp_path):
    grey = read_image(images[0] / "stack.tif").pixels
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["first"], file["second"] = grey[0], grey
    with running_app(tmp_path) as address, browsing() as page:
        page.goto(address)
        until(page, READY)
        page.set_input_files("#files", str(tmp_path / "two.h5"))
        until(page, "document.querySelector('#headline').textContent === 'This file cannot be read'")
        assert "second" in page.inner_text("#sentences")
        assert page.is_visible("#key"), "what helps is at hand"
        page.fill("#key", "second")
        page.fill("#axes", "zyx")
        page.press("#axes", "Enter")
        until(page, f"{MEASURED} === 1 && document.querySelector('#plane-out').textContent.endsWith('of 3')")
        assert page.errors == []


def test_a_training_survives_its_tab_and_is_paused_resumed_and_cancelled(images, tmp_path):
    step = "Number(document.querySelector('.numbers dd')?.textContent.split(' ')[0] || 0)"
    with running_app(tmp_path) as address, browsing() as page:
        page.goto(address)
        until(page, READY)
        page.set_input_files("#files", str(images[0] / "cat.png"))
        until(page, "document.querySelector('.item')")
        page.fill("#minutes", "30")
        page.fill("#run-name", "cats")
        page.click("#train-go")
        until(page, "document.querySelector('.pair img:nth-child(2)')?.naturalWidth > 0", 300)
        before = until(page, f"{step} > 1 && {step}")
        home = page.url
        context = page.context
        page.close()
        again = context.new_page()
        again.goto(home)
        assert until(again, f"{step} >= {before} && {step}")
        assert "Running" in again.inner_text(".job .state")
        again.click("text=Pause")
        until(again, "document.querySelector('.job .state').textContent === 'Paused'")
        assert (tmp_path / "bsn-app" / "runs" / "cats" / "last.ckpt").exists()
        paused = again.evaluate(step)
        again.click("text=Resume")
        until(again, f"{step} > {paused}", 300)
        again.on("dialog", lambda dialog: dialog.accept())
        again.click(".job >> text=Cancel")
        until(again, "document.querySelector('.job .state').textContent === 'Cancelled'")
        assert not (tmp_path / "bsn-app" / "runs" / "cats").exists()
