"""What the makers of wire faults say, and what they refuse."""

from collections.abc import Callable
from typing import Any

import pytest

from otlptest import faults
from otlptest.errors import UsageError
from otlptest.faults import ErrorCode, WireFault


@pytest.mark.parametrize(
    ("fault", "text", "said"),
    [
        (
            faults.reset(after_bytes=1000),
            "faults.reset(after_bytes=1000)",
            {"kind": "reset", "after_bytes": 1000, "direction": "up", "at": "request"},
        ),
        (
            faults.reset(at="before_reply"),
            "faults.reset(at='before_reply')",
            {"after_bytes": None, "at": "before_reply"},
        ),
        (
            faults.reset(after_bytes=0, direction="down"),
            "faults.reset(after_bytes=0, direction='down')",
            {"after_bytes": 0, "direction": "down"},
        ),
        (faults.refuse(), "faults.refuse()", {"kind": "refuse", "at": "connect"}),
        (
            faults.blackhole(),
            "faults.blackhole()",
            {"kind": "blackhole", "after_bytes": 0, "direction": "both"},
        ),
        (
            faults.trickle(slice_bytes=10, pause_s=0.5),
            "faults.trickle(slice_bytes=10, pause_s=0.5)",
            {"kind": "trickle", "slice_bytes": 10, "pause_s": 0.5, "direction": "up"},
        ),
        (
            faults.slice(slice_bytes=7, direction="both"),
            "faults.slice(slice_bytes=7, direction='both')",
            {"kind": "slice", "slice_bytes": 7, "pause_s": 0.0},
        ),
        (
            faults.latency(0.1, jitter_s=0.05, seed=3),
            "faults.latency(0.1, jitter_s=0.05, seed=3)",
            {"kind": "latency", "latency_s": 0.1, "jitter_s": 0.05, "seed": 3, "direction": "down"},
        ),
        (
            faults.bandwidth(1000),
            "faults.bandwidth(1000)",
            {"kind": "bandwidth", "bytes_per_s": 1000, "direction": "up"},
        ),
        (
            faults.truncate(after_bytes=5),
            "faults.truncate(after_bytes=5)",
            {"kind": "truncate", "after_bytes": 5},
        ),
        (
            faults.corrupt(after_bytes=30, count=2),
            "faults.corrupt(after_bytes=30, count=2)",
            {"kind": "corrupt", "after_bytes": 30, "count": 2},
        ),
        (
            faults.goaway(),
            "faults.goaway()",
            {"kind": "goaway", "last_stream_id": None, "code": 0, "ends_connection": True},
        ),
        (
            faults.goaway(
                last_stream_id=0,
                code=ErrorCode.ENHANCE_YOUR_CALM,
                message="too_many_pings",
                at="connect",
                ends_connection=False,
            ),
            (
                "faults.goaway(last_stream_id=0, code='ENHANCE_YOUR_CALM',"
                " message='too_many_pings', at='connect', ends_connection=False)"
            ),
            {"last_stream_id": 0, "code": 11, "ends_connection": False, "at": "connect"},
        ),
        (
            faults.rst_stream(),
            "faults.rst_stream('REFUSED_STREAM')",
            {"kind": "rst_stream", "code": 7, "at": "request"},
        ),
        (faults.rst_stream("cancel"), "faults.rst_stream('CANCEL')", {"code": 8}),
        (
            faults.rst_stream(99, at="before_reply"),
            "faults.rst_stream(99, at='before_reply')",
            {"code": 99, "at": "before_reply"},
        ),
        (faults.window(100), "faults.window(100)", {"kind": "window", "window_bytes": 100}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_fault_says_what_it_was_made_with(
    fault: WireFault,
    text: str,
    said: dict[str, Any],
) -> None:
    assert repr(fault) == fault.text == text
    assert {name: getattr(fault, name) for name in said} == said


def test_faults_of_frames_are_told_from_faults_of_bytes() -> None:
    on_frames = (faults.goaway(), faults.rst_stream(), faults.window())
    assert all(fault.acts_on_frames for fault in on_frames)
    assert not any(fault.acts_on_frames for fault in (faults.reset(), faults.refuse()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: faults.reset(after_bytes=-1), "after_bytes must be a whole number from 0"),
        (lambda: faults.reset(at="befor_reply"), "did you mean 'before_reply'?"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.reset(direction="both"), "unknown direction 'both'"),
        (lambda: faults.reset(after_bytes=3, at="connect"), "after_bytes=3 does not go with at="),
        (lambda: faults.truncate(after_bytes=None), "after_bytes must be a whole number from 0 to"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.trickle(slice_bytes=0), "slice_bytes must be a whole number from 1"),
        (lambda: faults.latency(-0.1), "latency must be seconds from 0"),
        (lambda: faults.latency(1, jitter_s=-1), "jitter_s must be seconds from 0"),
        (lambda: faults.bandwidth(0), "bytes_per_s must be a whole number from 1"),
        (lambda: faults.corrupt(count=0), "count must be a whole number from 1"),
        (lambda: faults.goaway(code="CALM"), "unknown HTTP/2 error code 'CALM'"),
        (lambda: faults.goaway(code=2**32), "code must be a whole number from 0 to 4294967295"),
        (lambda: faults.goaway(last_stream_id=2**31), "last_stream_id must be a whole number"),
        (lambda: faults.rst_stream(at="connect"), "unknown moment 'connect'"),
        (lambda: faults.window(-1), "window_bytes must be a whole number from 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_meant_is_refused_with_its_value(
    make: Callable[[], WireFault], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)
