"""Batches prepared by a thread while the last one is being used."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from bsn.data.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True)
class _Batch(Generic[T]):
    """A batch that is ready, told apart from the error or the end that may come in its place."""

    value: T


class Prefetcher(Generic[T]):
    """Iterator over batches that a thread prepares ahead; see `prefetch`."""

    def __init__(self, batches: Callable[[int], T], start: int, depth: int, stop: int | None) -> None:
        self._queue: queue.Queue[_Batch[T] | BaseException | None] = queue.Queue(maxsize=depth)
        self._stopped = threading.Event()
        # The thread holds no reference to this object, so that forgetting the object stops the thread.
        arguments = (batches, start, stop, self._queue, self._stopped)
        self._thread = threading.Thread(target=_produce, args=arguments, name="prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> "Prefetcher[T]":
        return self

    def __next__(self) -> T:
        if self._stopped.is_set():
            raise StopIteration
        item = self._queue.get()
        if isinstance(item, _Batch):
            return item.value
        self.close()
        if isinstance(item, StopIteration):  # a loop would take it for the regular end
            raise RuntimeError("the function that makes the batches raised StopIteration") from item
        if isinstance(item, BaseException):
            raise item
        raise StopIteration

    def close(self) -> None:
        """Stop the thread and wait for it; batches it has prepared are dropped. May be called twice."""
        self._stopped.set()
        self._thread.join()
        while not self._queue.empty():
            self._queue.get_nowait()

    def __enter__(self) -> "Prefetcher[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._stopped.set()


def prefetch(batches: Callable[[int], T], start: int = 0, depth: int = 2, *, stop: int | None = None) -> Prefetcher[T]:
    """Call ``batches(start)``, ``batches(start + 1)`` ... in a thread, ahead of their use.

    Parameters
    ----------
    batches : callable
        Gives the batch of a step. Called from one thread only, in order.
    start : int
        First step.
    depth : int
        How many batches may wait; one more is being prepared.
    stop : int, optional
        First step that is not wanted; without end by default.

    Returns
    -------
    Prefetcher
        An iterator, in order. An exception of `batches` is raised where its batch would have come, and ends it. To be
        used in a ``with`` statement, or closed by hand.

    Raises
    ------
    DataError
        `depth` is less than 1.

    Examples
    --------
    >>> with prefetch(lambda step: step * step, start=3, stop=6) as squares:
    ...     list(squares)
    [9, 16, 25]
    """
    if depth < 1:
        raise DataError(f"depth {depth}", "at least one batch must wait", "use 1 or more")
    return Prefetcher(batches, start, depth, stop)


def _produce(
    batches: Callable[[int], T],
    start: int,
    stop: int | None,
    ready: "queue.Queue[_Batch[T] | BaseException | None]",
    stopped: threading.Event,
) -> None:
    step = start
    while not stopped.is_set():
        item: _Batch[T] | BaseException | None
        try:
            item = None if stop is not None and step >= stop else _Batch(batches(step))
        except BaseException as error:
            item = error
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                break
            except queue.Full:
                continue
        if not isinstance(item, _Batch):
            return
        step += 1
