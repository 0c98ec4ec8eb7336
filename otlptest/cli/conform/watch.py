"""The output of a conformance run while it lasts, and when it is interrupted."""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

from otlptest.cli.exits import Exit
from otlptest.cli.streams import note
from otlptest.timing import SYSTEM_CLOCK

if TYPE_CHECKING:
    from otlptest.conformance import Conformance, Event, Policy
    from otlptest.conformance.case import AnyCase
    from otlptest.model import Protocol

_INTERVAL_S: Final = 10.0
_WORTH_TELLING_S: Final = 10.0
_CODES: Final = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Watch:
    """Reports the progress of a run on stderr, and keeps the verdicts reached so far.

    On a terminal each case is a line; elsewhere there is a line every ten seconds.

    Attributes:
        exit_code: The exit code of an interrupted run; None for any other.

    Args:
        chosen: Returns the cases of a protocol.
        policy: How strictly to judge.
        interval_s: Seconds between lines where the output is not a terminal.
    """

    def __init__(
        self,
        chosen: "Callable[[Protocol], Sequence[AnyCase]]",
        policy: "Policy",
        *,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        from otlptest.conformance.results_so_far import ReachedVerdicts  # noqa: PLC0415 -- loads all cases

        self.exit_code: Exit | None = None
        self._reached = ReachedVerdicts(chosen, policy)
        self._is_seen = sys.stderr.isatty()
        self._interval_s = interval_s
        self._began = SYSTEM_CLOCK.monotonic()
        self._has_ended = threading.Event()
        self._protocol = ""
        self._state = "looking at the subject"

    def tell(self, event: "Event") -> None:
        """Take the next event of the suite; an `EventSink`."""
        from otlptest.conformance import (  # noqa: PLC0415 -- loads all cases
            CaseFinished,
            SuiteStarted,
        )
        from otlptest.report.conformance.conformance_text import event_line  # noqa: PLC0415 -- as above

        self._reached.tell(event)
        match event:
            case SuiteStarted():
                self._protocol = event.protocol
                self._state = f"0 of {event.cases} cases done over {event.protocol}"
                is_told = self._is_seen or event.expected_s >= _WORTH_TELLING_S
            case CaseFinished():
                done = f"{event.finished} of {event.cases} cases done"
                self._state = f"{done} over {self._protocol}"
                is_told = self._is_seen
            case _:
                is_told = self._is_seen
        if is_told and (line := event_line(event)):
            note(line)

    def _beat(self) -> None:
        while not self._has_ended.wait(self._interval_s):
            note(f"{self._state}, {SYSTEM_CLOCK.monotonic() - self._began:.0f} s")

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._reached.stop()
        self.exit_code = _CODES[signal.Signals(number)]
        raise KeyboardInterrupt

    def run(self, suite: "Callable[[], Conformance]") -> "Conformance":
        """Return the result of a suite; after Ctrl-C or SIGTERM, of the verdicts until then.

        Args:
            suite: Runs it, with `tell` as the sink of its events.
        """
        before = {
            number: signal.signal(number, self._interrupted)
            for number in _CODES
            if signal.getsignal(number) != signal.SIG_IGN  # as under nohup
        }
        beats = threading.Thread(target=self._beat, name="otlptest-progress", daemon=True)
        if not self._is_seen:
            beats.start()
        try:
            return suite()
        except KeyboardInterrupt:
            self.exit_code = self.exit_code or Exit.INTERRUPTED
            reached = self._reached.conformance()
            if not reached.runs:
                note("interrupted before the first verdict")
            return reached
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._has_ended.set()
            if not self._is_seen:
                beats.join()
