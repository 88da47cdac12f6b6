"""Real worker processes: answers, errors, ends. One starts without torch."""

import asyncio

import numpy as np
import pytest

from bsn.app.lane import Lane, OrderFailed
from bsn.data import Image, write_image

pytestmark = pytest.mark.slow

LIMIT = {"limit": 10**9}


def test_a_worker_answers_goes_on_after_an_error_and_is_started_again_after_its_death(tmp_path):
    write_image(tmp_path / "a.png", Image(np.zeros((40, 50), np.uint8), "YX"))
    good = {"path": str(tmp_path / "a.png"), **LIMIT}

    async def story():
        lane = Lane()
        assert await lane.do("gauge", good) == {"bytes": 2000}
        first = lane._process.pid
        with pytest.raises(OrderFailed, match="no such file"):
            await lane.do("gauge", {**good, "path": str(tmp_path / "gone.png")})
        with pytest.raises(OrderFailed, match="unexpected"):
            await lane.do("gauge", {})
        assert lane._process.pid == first
        waiting = asyncio.create_task(lane.do("box", {}))
        await asyncio.sleep(0.3)
        lane.kill()
        with pytest.raises(OrderFailed, match="worker process ended"):
            await waiting
        with pytest.raises(OrderFailed, match="took longer"):
            await lane.do("box", {}, seconds=0.05)
        cancelled = asyncio.create_task(lane.do("box", {}))
        await asyncio.sleep(0.3)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert await lane.do("gauge", good) == {"bytes": 2000}
        process = lane._process
        await lane.close()
        assert process.returncode == 0

    asyncio.run(story())
