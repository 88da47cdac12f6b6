"""Batches prepared by a thread."""

import gc
import threading
import time

import pytest

from bsn.data.sources.prefetching import prefetch


def running():
    return [t for t in threading.enumerate() if t.name == "prefetch"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    deadline = time.monotonic() + 5
    while running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running() == []


def test_order_and_start():
    with prefetch(lambda step: step * 10, start=5, depth=3) as batches:
        assert [next(batches) for _ in range(20)] == [step * 10 for step in range(5, 25)]


def test_end():
    with prefetch(lambda step: step, 2, 2, stop=5) as batches:
        assert list(batches) == [2, 3, 4]
        assert list(batches) == []


def test_nothing_to_do():
    with prefetch(lambda step: step, 5, stop=5) as batches:
        assert list(batches) == []


def test_never_more_than_depth_ahead():
    asked = []
    with prefetch(lambda step: asked.append(step) or step, depth=3) as batches:
        for used in range(5):
            next(batches)
            time.sleep(0.05)
            assert len(asked) <= used + 1 + 3 + 1
        assert len(asked) == 4 + 1 + 3 + 1


def test_batches_are_prepared_while_the_last_is_used():
    prepared = threading.Event()

    def slow(step):
        if step == 1:
            prepared.set()
        return step

    with prefetch(slow) as batches:
        next(batches)
        assert prepared.wait(5)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_exception_comes_where_its_batch_would_have(kind):
    def failing(step):
        if step == 3:
            raise kind("three")
        return step

    with prefetch(failing, depth=8) as batches:
        assert [next(batches) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(kind, match="three"):
            next(batches)
        assert list(batches) == []


def test_a_stray_stop_iteration_is_no_regular_end():
    def failing(step):
        raise StopIteration

    with prefetch(failing) as batches, pytest.raises(RuntimeError, match="StopIteration"):
        list(batches)


def test_closing_while_the_thread_waits():
    batches = prefetch(lambda step: step, depth=1)
    next(batches)
    time.sleep(0.05)
    batches.close()
    batches.close()
    assert running() == []
    assert list(batches) == []


def test_an_exception_of_the_user_stops_the_thread():
    def work():
        with prefetch(lambda step: step) as batches:
            next(batches)
            raise RuntimeError("training failed")

    with pytest.raises(RuntimeError, match="training failed"):
        work()
    assert running() == []


def test_a_forgotten_prefetcher_stops():
    batches = prefetch(lambda step: step)
    next(batches)
    del batches
    gc.collect()


def test_depth(refused):
    assert "at least one" in refused(prefetch, lambda step: step, 0, 0)
