"""Fault plans: what a file can say, and what is wrong with one that cannot be."""

from pathlib import Path
from typing import Any

import pytest

from otlptest import faults
from otlptest.errors import FileFormatError, UnknownBundledFileError
from otlptest.faults.plan_file import FaultPlan, RequestTest, read_fault_plan
from otlptest.model import Request
from tests.support.received import a_request

REPLIES = "version: 1\nreplies:\n  - signal: any\n    reply: "
WIRE = "version: 1\nwire:\n  - inject: "


def read(folder: Path, text: str) -> FaultPlan:
    file = folder / "plan.yaml"
    file.write_text(text, "utf-8")
    return read_fault_plan(file)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ok", [faults.ok()]),
        ("unavailable", [faults.unavailable()]),
        ("{unavailable: }", [faults.unavailable()]),
        ("{unavailable: {retry_after_s: 1}}", [faults.unavailable(retry_after_s=1)]),
        ("{status: 429}", [faults.status(429)]),
        ("{status: ABORTED}", [faults.status("ABORTED")]),
        (
            "{status: {code: 503, retry_after_s: 2, headers: {a: b}, is_bare: true}}",
            [faults.status(503, retry_after_s=2, headers={"a": "b"}, is_bare=True)],
        ),
        (
            "{status: {code: 400, violations: {x: wrong}, body: text}}",
            [faults.status(400, violations={"x": "wrong"}, body=b"text")],
        ),
        ("{delay: 0.5}", [faults.delay(0.5)]),
        (
            "{delay: {seconds: 1, reply: {delay: {seconds: 2, reply: hang}}}}",
            [faults.delay(1, reply=faults.delay(2, reply=faults.hang()))],
        ),
        ("{compressed: zstd}", [faults.compressed("zstd")]),
        ("compressed", [faults.compressed()]),
        (
            "[unavailable, {partial_success: {rejected: 5}}, ok]",
            [faults.unavailable(), faults.partial_success(rejected=5), faults.ok()],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_replies_are_calls_of_the_functions(
    tmp_path: Path, said: str, expected: list[faults.ReplyFault]
) -> None:
    (planned,) = read(tmp_path, REPLIES + said).replies
    assert list(planned.faults) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("goaway", faults.goaway()),
        (
            "{reset: {after_bytes: 10, direction: down}}",
            faults.reset(after_bytes=10, direction="down"),
        ),
        ("{latency: 0.1}", faults.latency(0.1)),
        ("{latency: {seconds: 0.1, jitter_s: 0.2}}", faults.latency(0.1, jitter_s=0.2)),
        ("{window: 100}", faults.window(100)),
        ("{rst_stream: CANCEL}", faults.rst_stream("CANCEL")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wire_faults_are_calls_too(tmp_path: Path, said: str, expected: faults.WireFault) -> None:
    plan = read(tmp_path, f"{WIRE}{said}\n    times: 2\n")
    assert [(each.fault, each.times) for each in plan.wire] == [(expected, 2)]


def test_options_are_those_of_reply(tmp_path: Path) -> None:
    plan = read(
        tmp_path,
        """
version: 1
description: All of them.
replies:
  - reply: unavailable
    signal: logs
    times: 3
    rate: 0.5
    seed: 9
    where: {protocol: grpc, encoding: gzip, headers: {Tenant: a}, least_bytes: 10}
""",
    )
    (planned,) = plan.replies
    assert plan.description == "All of them."
    assert (planned.signal, planned.times, planned.rate, planned.seed) == ("logs", 3, 0.5, 9)
    assert repr(planned.where) == (
        "protocol is grpc and encoding is gzip and Tenant is a and at least 10 bytes"
    )


@pytest.mark.parametrize(
    ("test", "request_", "is_meant"),
    [
        (RequestTest(), a_request(body=b""), True),
        (RequestTest(protocol="grpc"), a_request(body=b""), True),
        (RequestTest(protocol="http/json"), a_request(body=b""), False),
        (RequestTest(encoding="gzip"), a_request(body=b""), False),
        (RequestTest(least_bytes=2), a_request(body=b"a"), False),
        (RequestTest(least_bytes=2), a_request(body=b"ab"), True),
        (RequestTest(headers=(("A", "b"),)), a_request(body=b"", headers=[("a", "b")]), True),
        (RequestTest(headers=(("A", "b"),)), a_request(body=b"", headers=[("a", "c")]), False),
        (RequestTest(headers=(("A", "b"),)), a_request(body=b""), False),
    ],
    ids=[
        "all",
        "protocol",
        "other-protocol",
        "encoding",
        "small",
        "large",
        "header",
        "value",
        "no",
    ],
)
def test_request_is_meant_if_all_that_is_said_is_true(
    test: RequestTest,
    request_: Request,
    is_meant: bool,  # noqa: FBT001 -- of the table
) -> None:
    assert test(request_) is is_meant


def test_request_test_that_asks_for_nothing_says_so() -> None:
    assert repr(RequestTest()) == "always"


class Target:
    """Keeps what is planned on it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def reply(self, *planned: faults.ReplyFault, **options: Any) -> None:  # noqa: ANN401 -- kept
        self.calls.append(("reply", planned, options))

    def inject(self, fault: faults.WireFault, **options: Any) -> None:  # noqa: ANN401 -- kept
        self.calls.append(("inject", (fault,), options))


def test_plan_is_applied_in_its_order(tmp_path: Path) -> None:
    target = Target()
    text = "version: 1\nwire:\n - inject: goaway\nreplies:\n - reply: ok\n - reply: hang\n"
    read(tmp_path, text).apply(target)
    assert [(name, planned) for name, planned, _ in target.calls] == [
        ("reply", (faults.ok(),)),
        ("reply", (faults.hang(),)),
        ("inject", (faults.goaway(),)),
    ]
    assert target.calls[0][2] == {
        "times": None,
        "signal": None,
        "where": None,
        "rate": None,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            REPLIES + "unavailble",
            (
                "line 4, replies[0].reply: unknown fault 'unavailble' here\n"
                "  hint: did you mean 'unavailable'? there are: ack_lost, compressed,"
            ),
        ),
        (
            REPLIES + "[ok, goaway]",
            (
                "line 4, replies[0].reply[1]: unknown fault 'goaway' here\n"
                "  hint: it goes under wire, with inject:"
            ),
        ),
        (
            WIRE + "hang",
            (
                "line 3, wire[0].inject: unknown fault 'hang' here\n"
                "  hint: it goes under replies, with reply:"
            ),
        ),
        (
            REPLIES + "{ok: , hang: }",
            "line 4, replies[0].reply: a fault is a name, or one name with its arguments, and not",
        ),
        (REPLIES + "3", "replies[0].reply: a fault is a name, or one name with its arguments"),
        (REPLIES + "[]", "replies[0].reply: no fault is given\n  hint: there are: ack_lost"),
        (
            REPLIES + "{unavailable: {retry_after: 1}}",
            (
                "unavailable.retry_after: unavailable has no argument 'retry_after'\n"
                "  hint: did you mean 'retry_after_s'? there are: retry_after_s, message,"
            ),
        ),
        (
            REPLIES + "{unavailable: 1}",
            (
                "replies[0].reply.unavailable: unavailable takes arguments by name and not 1\n"
                "  hint: there are: retry_after_s,"
            ),
        ),
        (REPLIES + "{hang: 1}", "hang takes arguments by name and not 1\n  hint: it has none"),
        (REPLIES + "{hang: {a: 1}}", "hang has no argument 'a'\n  hint: it has none"),
        (REPLIES + "status", "replies[0].reply: status needs the argument 'code'\n  hint: there"),
        (
            REPLIES + "\n      unavailable:\n        message: x\n        retry_after_s: soon",
            "line 7, replies[0].reply.unavailable.retry_after_s: retry_after_s must be seconds",
        ),
        (REPLIES + "{status: 14}", "replies[0].reply.status: 14 is not an HTTP status from 200"),
        (
            REPLIES + "{delay: {seconds: 1, reply: {status: {code: 503, bdy: x}}}}",
            "replies[0].reply.delay.reply.status.bdy: status has no argument 'bdy'",
        ),
        (
            WIRE + "{goaway: {ends_connection: yes}}",
            "wire[0].inject.goaway.ends_connection: ends_connection must be true or false and is",
        ),
        (
            "version: 1\nreplies:\n  - reply: ok\n    times: 2",
            (
                "line 3, replies[0]: times=2 needs signal= or where=\n"
                "  hint: signal: traces, or signal: any if you mean it"
            ),
        ),
        (
            "version: 1\nreplies:\n  - reply: ok\n    signal: span",
            "line 4, replies[0].signal: is 'span'\n  hint: there are: traces, metrics, logs,",
        ),
        (
            "version: 1\nreplys: []",
            "line 2, replys: unknown key 'replys'\n  hint: did you mean 'replies'? there are:",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistake_is_told_with_its_place_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(FileFormatError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/plan.yaml: line ")
    assert message in str(caught.value)


def test_unknown_shipped_plan_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownBundledFileError, match="did you mean 'flaky'"):
        read_fault_plan("builtin:flacky")


def test_missing_file_is_told() -> None:
    with pytest.raises(FileFormatError, match=r"nowhere\.yaml: No such file"):
        read_fault_plan("nowhere.yaml")
