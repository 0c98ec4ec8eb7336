"""A daemon thread with an event loop, and calls into it from other threads."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from otlptest.errors import ReceiverError
from otlptest.net.loop import ReadinessLoop
from otlptest.timing import Deadline


class ServerThread:
    """Runs a loop in a daemon thread, from `start` to `stop`. Thread-safe.

    Args:
        name: The name in messages: `the receiver`.
        loop: Belongs to the thread from `start` on.
        now: Returns the seconds for the loop's ticks and timers.
        close: Called in the thread once the loop has ended: closes its sockets.
        failed: Called in the thread with the error that ended the loop, if one did.
    """

    def __init__(
        self,
        name: str,
        loop: ReadinessLoop,
        *,
        now: Callable[[], float],
        close: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._loop = loop
        self._now = now
        self._close = close
        self._failed = failed
        self._lock = threading.Lock()
        self._pending: set[Future[None]] = set()
        self._end: BaseException = ReceiverError(f"{name} was closed")
        self._thread = threading.Thread(
            target=self._run, name=f"otlptest-{name.rpartition(' ')[2]}", daemon=True
        )

    @property
    def is_current(self) -> bool:
        """Return whether the caller runs in this thread."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self, action: Callable[[], None], deadline: Deadline, purpose: str) -> None:
        """Run `action` in the thread and wait for it. Never call it from the thread itself.

        An action that has not begun when time runs out never runs.

        Raises:
            ReceiverError: The thread has ended, did not answer in time, or `action` raised.
        """

        def begin(done: "Future[None]") -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                action()
            except Exception as error:  # noqa: BLE001 -- it is the caller's
                done.set_exception(error)
            else:
                done.set_result(None)

        if not self._wait(begin, deadline, purpose):
            raise ReceiverError(f"cannot {purpose}: {self._name} did not answer in time")

    def wait_until(self, step: Callable[[], bool], deadline: Deadline, purpose: str) -> bool:
        """Run `step` in the thread, once per round of the loop, until it returns True.

        Returns:
            Whether it did in time; `step` is not run again then.

        Raises:
            ReceiverError: The thread has ended, or `step` raised.
        """

        def begin(done: "Future[None]") -> None:
            def job() -> bool:
                if done.cancelled():
                    return True
                try:
                    is_done = step()
                except Exception as error:  # noqa: BLE001 -- it is the caller's
                    if done.set_running_or_notify_cancel():
                        done.set_exception(error)
                    return True
                if is_done and done.set_running_or_notify_cancel():
                    done.set_result(None)
                return is_done

            self._loop.add_job(job)

        return self._wait(begin, deadline, purpose)

    def stop(self, step: Callable[[], None], deadline: Deadline) -> bool:
        """Run `step`, which stops the loop, in the thread, and wait for the thread's end.

        Returns:
            Whether it ended in time.
        """
        if self._thread.is_alive():
            self._loop.post(step)
            self._thread.join(deadline.remaining_s())
        return not self._thread.is_alive()

    def _wait(
        self, begin: "Callable[[Future[None]], None]", deadline: Deadline, purpose: str
    ) -> bool:
        """Submit work and wait for it; return whether it was done in time.

        Raises:
            ReceiverError: The thread has ended, or the work raised.
        """
        done: Future[None] = Future()
        with self._lock:
            self._pending.add(done)  # before `post`: the thread's end answers all that is pending
        try:
            if not self._loop.post(lambda: begin(done)):
                raise ReceiverError(f"cannot {purpose}: {self._name} has ended", "it was closed")
            wait((done,), deadline.remaining_s())
        finally:
            done.cancel()  # what has not begun never runs
            with self._lock:
                self._pending.discard(done)
        if done.cancelled() or not done.done():
            return False
        error = done.exception()
        if error is not None:
            raise ReceiverError(f"cannot {purpose}: {error}") from error
        return True

    def _run(self) -> None:
        try:
            self._loop.run(self._now)
        except BaseException as broken:  # noqa: BLE001 -- raised when the server is closed
            self._end = broken
            self._failed(broken)
        finally:
            self._close()
            self._loop.close()
            with self._lock:
                pending = tuple(self._pending)
            for done in pending:
                if not done.done() and (done.running() or done.set_running_or_notify_cancel()):
                    done.set_exception(self._end)
