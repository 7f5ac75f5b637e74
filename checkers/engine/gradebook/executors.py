"""Where jobs run: here, in several processes, or on a dask cluster. All give the same results.

An executor takes jobs as (key, JSON text) and yields (key, JSON text) as they are done, in any
order. It asks for the next job only when there is room, so a class never lies in memory at once.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_end
from types import FrameType
from typing import Any, NoReturn

from checkers.engine.gradebook.jobs import JobResult, forget_worker, grade_job

Jobs = Iterable[tuple[str, str]]
Results = Iterator[tuple[str, str]]
Executor = Callable[[Jobs], Results]

_ATTEMPTS = 3
_AHEAD = 2
_SECONDS_TO_END = 10


class ExecutorError(RuntimeError):
    """Jobs can't be run at all; the message says what to do."""


def run_here(jobs: Jobs) -> Results:
    """One job after the other, judged in this process."""
    for key, text in jobs:
        yield key, grade_job(text)


def local_processes(count: int) -> Executor:
    """`count` processes on this machine, each with a worker of its own.

    A process that is lost, for want of memory say, is replaced and its job tried again.
    """

    def run(jobs: Jobs) -> Results:
        slots = _Slots()
        with ThreadPoolExecutor(count, initializer=slots.open) as threads:
            try:
                yield from _in_window(jobs, lambda text: threads.submit(slots.grade, text), count)
            except BaseException:
                slots.kill()
                raise
            finally:
                threads.shutdown(wait=True, cancel_futures=True)
                slots.close()

    return run


def dask_cluster(address: str) -> Executor:
    """The workers of a `dask.distributed` scheduler, such as "tcp://10.0.0.5:8786".

    Every worker needs the course installed in the same version. A job whose worker is lost goes to
    another one.
    """

    def run(jobs: Jobs) -> Results:
        try:
            from distributed import Client
        except ImportError:
            raise ExecutorError(
                "A cluster needs dask: pip install 'diffusion-by-building[cluster]'."
            ) from None
        try:
            client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError, TimeoutError):
            raise ExecutorError(
                f"There is no scheduler at {address}. Start one with: dask scheduler."
            ) from None
        with client:
            size = len(client.nthreads())  # pyright: ignore[reportArgumentType]  # not async here
            if not size:
                raise ExecutorError(
                    f"The scheduler at {address} has no workers. Start one with: "
                    f"dask worker {address} --nthreads 1."
                )
            yield from _dask_window(client, jobs)

    return run


def _in_window(jobs: Jobs, submit: Callable[[str], Future[str]], count: int) -> Results:
    """Submit a few jobs more than can run at once and yield each as it is done."""
    running: dict[Future[str], str] = {}
    source = iter(jobs)
    more = True
    try:
        while more or running:
            while more and len(running) < count * _AHEAD:
                job = next(source, None)
                if job is None:
                    more = False
                else:
                    running[submit(job[1])] = job[0]
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


class _Slots:
    """One single-process pool for each thread, so that a lost process costs one job a retry."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._all: list[ProcessPoolExecutor] = []
        self._closed = False

    def open(self) -> None:
        self._mine.pool = ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_in_child
        )
        self._all.append(self._mine.pool)

    def grade(self, text: str) -> str:
        for _ in range(_ATTEMPTS):
            try:
                return self._mine.pool.submit(grade_job, text).result()
            except BrokenProcessPool:
                if self._closed:
                    break
                self._mine.pool.shutdown(wait=False)
                self.open()
        return _lost()

    def kill(self) -> None:
        """End every process at once, whatever it is doing."""
        self._closed = True
        for pool in self._all:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                with contextlib.suppress(Exception):
                    process.terminate()

    def close(self) -> None:
        """Let every process end by itself."""
        for pool in self._all:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_in_child() -> None:
    """Leave Ctrl-C to the parent, never outlive it, and leave no folder of the worker behind.

    When this process ends, so does its worker: its requests end, and a sandbox dies with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    with contextlib.suppress(Exception):
        forget_worker()
        # Locks that libraries made, as tqdm does: the parent warns of those that were left.
        multiprocessing.util._run_finalizers(0)  # pyright: ignore[reportAttributeAccessIssue]
    os._exit(1)


def _end_with(sentinel: int) -> None:
    wait_for_end([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)  # to the main thread, which may wait for a job
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


def _dask_window(client: Any, jobs: Jobs) -> Results:
    """As `_in_window`, for dask; the window grows and shrinks with the cluster."""
    from distributed import KilledWorker, as_completed

    running: dict[str, str] = {}
    source = iter(jobs)
    done = as_completed(loop=client.loop)

    def submit() -> bool:
        job = next(source, None)
        if job is not None:
            # Not pure: a key of its own for every job, so that nothing is taken from elsewhere.
            future = client.submit(grade_job, job[1], pure=False, retries=_ATTEMPTS - 1)
            running[future.key] = job[0]
            done.add(future)
        return job is not None

    more = submit()
    while more and len(running) < _room(client):
        more = submit()
    while running:
        future = next(done)
        try:
            text = future.result()
        except KilledWorker:
            text = _lost()
        yield running.pop(future.key), text
        while more and len(running) < _room(client):
            more = submit()


def _room(client: Any) -> int:
    return max(1, len(client.nthreads())) * _AHEAD


def _lost() -> str:
    return JobResult(
        error=f"The process that graded it was lost {_ATTEMPTS} times."
    ).model_dump_json()
