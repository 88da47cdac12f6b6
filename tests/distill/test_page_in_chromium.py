"""The exported page in a real Chromium: its results are onnxruntime's, and it does what a newcomer asks of it."""

import functools
import http.server
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bsn.models import Model, ValueScale
from distill.export import export_page
from distill.export.runtime import ARCHIVE, RUNTIME_VERSION
from tests.helpers.browser import launched, needs_browser
from tests.helpers.networks import randomise, small

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.timeout(600)]
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH = 150, 203
DONE = "#save:enabled"


@pytest.fixture(scope="module")
def runtime():
    places = [os.environ.get("ONNXRUNTIME_WEB"), ROOT / ARCHIVE, ROOT / "node_modules" / "onnxruntime-web"]
    found = next((place for place in places if place and Path(place).exists()), None)
    if found is None:
        pytest.skip(f"onnxruntime-web is missing: run npm pack onnxruntime-web@{RUNTIME_VERSION} in the repository")
    return found


@pytest.fixture(scope="module")
def browser():
    with launched() as running:
        yield running


def student(channels):
    torch.manual_seed(0)
    return Model(randomise(small("tiny", channels=channels), 0).eval(), ValueScale(0.3, 0.4))


@pytest.fixture(scope="module")
def served(runtime, tmp_path_factory):
    """Folder of pages for 1 and 3 channels behind a simple server, and its address."""
    folder = tmp_path_factory.mktemp("served")
    for channels in (1, 3):
        export_page(student(channels), folder / f"page{channels}", runtime=runtime)
    with server(folder) as address:
        yield folder, address


class server:
    """A static server like that of ``python -m http.server``, which remembers what was asked."""

    def __init__(self, folder):
        self.asked = asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *words):
                asked.append(self.path)

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *ended):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def open_page(browser, served):
    """Opens a page; at the end it must have asked its own host only, and met no error."""
    pages, wrong, asked = [], [], []

    def open_(channels=3, width=1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served[1]}/page{channels}/index.html")
        page.wait_for_selector("#asleep", state="detached")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert wrong == []
    assert [url for url in asked if not url.removeprefix("blob:").startswith(f"{served[1]}/")] == []


def pixels(grey=False):
    found = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return np.repeat(found[..., :1], 3, axis=-1) if grey else found


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


IN_THE_PAGE = """async ([base, rgb, width, height, grey, side]) => {
    const { Engine } = await import(`${base}engine.js`);
    const engine = await Engine.load(base, 2);
    const data = new Uint8ClampedArray(4 * width * height).fill(255);
    rgb.forEach((value, at) => (data[4 * Math.floor(at / 3) + (at % 3)] = value));
    const planes = grey ? 1 : 3;
    const whole = new Array(planes * width * height).fill(null);
    let tiles = 0;
    const shares = [];
    const onProgress = (done) => shares.push(done);
    await engine.denoise({ width, height, data, grey }, { side, onProgress, onTile: ({ x, y }, part) => {
        tiles += 1;
        const across = x.last - x.first, down = y.last - y.first;
        part.forEach((value, at) => {
            const plane = Math.floor(at / (across * down)), row = Math.floor(at / across) % down, column = at % across;
            whole[(plane * height + y.first + row) * width + x.first + column] = value;
        });
    } });
    return { whole, tiles, shares };
}"""


def denoised_in(page, address, channels, picture, grey, side):
    words = [f"{address}/page{channels}/", picture.ravel().tolist(), WIDTH, HEIGHT, grey, side]
    found = page.evaluate(IN_THE_PAGE, words)
    assert found["shares"] == sorted(found["shares"])
    assert found["shares"][-1] == 1
    return np.array(found["whole"], np.float64).reshape(1 if grey else 3, HEIGHT, WIDTH), found["tiles"]


def by_onnxruntime(path, picture, channels, grey):
    image = np.moveaxis(picture.astype(np.float32) / 255, -1, 0)
    image = image[:, None] if channels == 1 else image[None]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    planes = session.run(None, {"image": image})[0].reshape(3, HEIGHT, WIDTH)
    return planes.mean(0, keepdims=True) if grey else planes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grey", [False, True])
def test_the_results_are_those_of_onnxruntime_and_tiles_equal_the_whole(open_page, served, channels, grey):
    folder, address = served
    picture = pixels(grey)
    page = open_page(channels)
    whole, one = denoised_in(page, address, channels, picture, grey, 1024)
    expected = by_onnxruntime(folder / f"page{channels}" / "model.onnx", picture, channels, grey)
    assert one == 1
    assert np.abs(whole - expected).max() < 1e-4
    assert np.abs(expected - np.moveaxis(picture, -1, 0)[: len(expected)] / 255).max() > 0.01  # it does something
    tiled, several = denoised_in(page, address, channels, picture, grey, 1)  # as small as the halo lets them be
    assert several > 20
    assert np.abs(tiled - whole).max() < 1e-5


IN_A_HURRY = """async ([base, side]) => {
    const { Engine } = await import(`${base}engine.js`);
    const engine = await Engine.load(base, 1);
    const picture = { width: side, height: side, data: new Uint8ClampedArray(4 * side * side).fill(255), grey: false };
    const warm = engine.warmUp();
    const control = new AbortController();
    const first = engine.denoise(picture, { signal: control.signal, side: 1, onTile: () => {} }).catch(() => {});
    control.abort();
    await Promise.all([warm, first, engine.denoise(picture, { side: 1, onTile: () => {} })]);
}"""


def test_haste_starts_no_more_workers_than_were_asked_for(open_page, served):
    """A picture comes while the first worker starts, is cancelled, and another comes; none of their workers stay."""
    page = open_page()
    while not page.workers:  # the page's own
        page.wait_for_timeout(50)
    page.evaluate(IN_A_HURRY, [f"{served[1]}/page3/", 100])
    assert len(page.workers) == 2


def drop(page, name, content, kind="image/png"):
    page.evaluate(
        """([name, bytes, type]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, { type }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        [name, list(content), kind],
    )


def saved(page):
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "night sky-denoised.png"
    return np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)


def test_the_way_from_a_dropped_picture_to_the_saved_result(open_page, served):
    picture = pixels()
    page = open_page()
    drop(page, "night sky.png", png(picture))
    page.wait_for_selector(DONE)
    assert "Denoised in" in page.inner_text("#status")
    assert page.inner_text("#name") == f"night sky.png, {WIDTH} × {HEIGHT}"
    exact = 255 * by_onnxruntime(served[0] / "page3" / "model.onnx", picture, 3, False)
    expected = np.moveaxis(np.clip(exact, 0, 255), 0, -1)
    assert np.abs(saved(page) - expected).max() < 0.52
    page.focus("#strength")
    for _ in range(50):
        page.keyboard.press("ArrowLeft")
    assert page.inner_text("#strength-value") == "50 %"
    half = np.clip((np.moveaxis(exact, 0, -1) + picture) / 2, 0, 255)
    assert np.abs(saved(page) - half).max() < 0.52
    page.keyboard.press("Home") if page.evaluate("document.activeElement.id") == "strength" else page.fill(
        "#strength", "0"
    )
    assert (saved(page) == picture).all()


def test_what_is_shown_follows_the_controls(open_page):
    page = open_page()
    drop(page, "a.png", png(pixels()))
    page.wait_for_selector(DONE)
    clip = "() => getComputedStyle(document.getElementById('after')).clipPath"
    before = page.evaluate(clip)
    page.focus("#cut")
    page.keyboard.press("Home")
    assert page.evaluate(clip) != before
    handle = page.locator("#divider").bounding_box()
    page.mouse.move(handle["x"] + 22, handle["y"] + 100)
    page.mouse.down()
    page.mouse.move(handle["x"] + 322, handle["y"] + 100)
    page.mouse.up()
    assert int(page.input_value("#cut")) > 10
    page.focus("#zoom-fit")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.getElementById('sheet').offsetWidth * devicePixelRatio") == WIDTH
    page.focus("#view-compare")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(clip) == "none"
    assert page.is_visible("#removed-hint")
    middle = page.evaluate("document.getElementById('after').getContext('2d').getImageData(100, 70, 1, 1).data[3]")
    assert middle == 255


def test_files_that_are_no_pictures_are_refused_and_the_last_result_stays(open_page):
    page = open_page()
    whole = png(pixels())
    drop(page, "a.png", whole)
    page.wait_for_selector(DONE)

    def refusal(*words):
        drop(page, *words)
        page.wait_for_selector("#error:visible")
        sentence = page.inner_text("#error")
        assert page.inner_text("#name").startswith("a.png")
        assert page.is_enabled("#save")
        page.evaluate("document.getElementById('error').hidden = true")
        return sentence

    assert "“<b>notes</b>.txt” is not a picture that this browser can open" in refusal(
        "<b>notes</b>.txt", b"hello", "text/plain"
    )
    assert "or it is damaged" in refusal("cut.png", whole[:40])
    assert "is empty" in refusal("empty.png", b"")
    assert "is a drawing" in refusal("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    huge = io.BytesIO()
    Image.new("1", (8000, 6000)).save(huge, "PNG")
    assert "8000 × 6000 pixels, and this page takes up to 40 megapixels" in refusal("huge.png", huge.getvalue())


def test_sixteen_bits_are_told(open_page):
    page = open_page(1)
    deep = np.random.default_rng(0).integers(0, 65536, (40, 50), dtype=np.uint16)
    drop(page, "deep.png", png(deep))
    page.wait_for_selector(DONE)
    assert "Browsers hand out 8" in page.inner_text("#notes")


def test_work_can_be_cancelled_and_another_picture_takes_its_place(open_page):
    page = open_page()
    large = np.zeros((3000, 3000, 3), np.uint8)
    buffer = {"name": "large.png", "mimeType": "image/png", "buffer": png(large)}
    page.set_input_files("#file", buffer)
    page.wait_for_selector("#panel.busy")
    page.click("#cancel")
    page.wait_for_selector("#panel:not(.busy)")
    assert "Cancelled" in page.inner_text("#status")
    page.set_input_files("#file", buffer)
    page.wait_for_selector("#panel.busy")
    drop(page, "a.png", png(pixels()))
    page.wait_for_selector("#status:has-text('Denoised in')")
    assert page.inner_text("#name").startswith("a.png")


def test_neither_the_page_nor_its_workers_reach_another_host(browser, served, tmp_path):
    (tmp_path / "index.html").write_text("elsewhere")
    other = server(tmp_path)
    with other as elsewhere:
        page = browser.new_page()
        page.goto(f"{served[1]}/page3/index.html")
        drop(page, "a.png", png(pixels()))
        page.wait_for_selector(DONE)
        fetching = "address => fetch(address).then(() => 'reached', () => 'refused')"
        for place in (page, page.workers[0]):
            assert place.evaluate(fetching, f"{served[1]}/page3/NOTICE.txt") == "reached"
            assert place.evaluate(fetching, f"{elsewhere}/index.html") == "refused"
        page.close()
    assert other.asked == []


def test_a_page_without_its_model_says_so(browser, served):
    page = browser.new_page()
    page.route("**/model.onnx", lambda route: route.fulfill(status=404))
    page.goto(f"{served[1]}/page3/index.html")
    page.wait_for_selector("#error:visible")
    assert "model.onnx is missing beside this page (404); export the page again" in page.inner_text("#error")
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_the_screen_and_its_controls_have_names(open_page, width):
    page = open_page(width=width)
    drop(page, "a.png", png(pixels()))
    page.wait_for_selector(DONE)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, button, progress, canvas")].filter((control) =>
            !control.labels?.length && !control.textContent.trim() && !control.getAttribute("aria-label")).length"""
    )
    assert nameless == 0
    small_targets = page.evaluate(
        """() => [...document.querySelectorAll("button, .choice label")].filter((one) => one.offsetParent !== null)
            .filter((one) => one.getBoundingClientRect().height < 40).length"""
    )
    assert small_targets == 0
