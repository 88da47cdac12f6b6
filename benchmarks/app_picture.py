"""The picture of the guide to ``bsn app``: the page with a noisy photograph, denoised.

    python -m benchmarks.app_picture [--width 1280] [--output docs/images/app.jpg]
    python -m benchmarks.app_picture --starts 5

Starts ``bsn app`` on a folder of its own, drops a noisy photograph that comes with scikit-image, denoises it with the model in
the box, and takes a picture in a headless Chromium (the package playwright, and Chromium of the system). With ``--starts`` it
only tells how long the start takes, from the command to the usable page. The photograph (NASA) is in the public domain.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bsn.data import Image, write_image
from bsn.napari.samples import noisy_photograph
from tests.helpers.app_process import running_app
from tests.helpers.browser import browsing, until

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "app.jpg"
USABLE = "document.querySelector('#connection').hidden && document.querySelector('#output').textContent"
DONE = (
    "document.querySelector('.item .status')?.textContent.includes('Denoised') "
    "&& document.querySelector('#after').naturalWidth > 0"
)


def start_up(page: Any, folder: Path) -> float:
    """Seconds from the command to the usable page: it is loaded, and the server has told it its state."""
    began = time.monotonic()
    with running_app(folder) as address:
        page.goto(address)
        until(page, USABLE)
        return time.monotonic() - began


def take_picture(page: Any, folder: Path, image: Path, output: Path) -> None:
    """Drop an image, denoise it, and save a picture of the page."""
    with running_app(folder) as address:
        page.goto(address)
        until(page, USABLE)
        page.set_input_files("#files", str(image))
        until(page, "document.querySelector('#headline').textContent.includes('noise,')")
        page.click("#denoise-go")
        until(page, DONE)
        page.wait_for_timeout(600)
        page.screenshot(path=str(output), animations="disabled", type="jpeg", quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--starts", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bsn-") as place, browsing(options.width, options.height) as page:
        if options.starts:
            seconds = [start_up(page, Path(place)) for _ in range(options.starts)]
            print("from the command to the usable page:", ", ".join(f"{value:.2f}" for value in seconds), "s")
            return
        image = Path(place, "astronaut.png")
        ((pixels, *_),) = noisy_photograph()
        write_image(image, Image(pixels, "YXC"))
        take_picture(page, Path(place), image, options.output)
    print(options.output)


if __name__ == "__main__":
    main()
