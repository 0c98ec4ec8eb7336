"""How a program ended, from its exit code and from what was done to it."""

import signal

import pytest

from otlptest.processes.descendants import Descendant
from otlptest.processes.endings import Ending, EndingRecord, Reaction, Recipient, Way, reaction_of

LEADER = 10
CHILD = Descendant(pid=11, name="worker", is_in_group=True)
TERM = 1 << signal.SIGTERM - 1


def recipient(name: str, reaction: Reaction, *, pid: int = LEADER) -> Recipient:
    return Recipient(pid=pid, name=name, reaction=reaction, is_program=pid == LEADER)


def stopped(
    code: int | None, *got: Recipient, number: signal.Signals = signal.SIGTERM, way: Way = "stopped"
) -> Ending:
    return Ending(way=way, exit_code=code, sent=number, recipients=got, timeout_s=10.0)


@pytest.mark.parametrize(
    ("masks", "name", "reaction"),
    [
        pytest.param({"SigCgt": 0, "SigIgn": 0, "SigBlk": 0}, "python3.12", "default", id="plain"),
        pytest.param({"SigCgt": TERM}, "python3.12", "catches", id="handler"),
        pytest.param({"SigIgn": TERM}, "python3.12", "ignores", id="ignored"),
        pytest.param({"SigBlk": TERM}, "shop", "blocks", id="waits for it in a thread"),
        pytest.param({"SigCgt": 0xFFFFFFFD7FC1FEFD}, "shop", "unclear", id="Go"),
        pytest.param({"SigCgt": 0x100004602}, "node", "unclear", id="Node"),
        pytest.param({"SigCgt": 0x2000000101005CCD}, "java", "catches", id="Java"),
        pytest.param({}, "shop", "unclear", id="the system does not say"),
    ],
)
def test_reaction_is_read_from_the_masks(
    masks: dict[str, int], name: str, reaction: Reaction
) -> None:
    assert reaction_of(masks, name, signal.SIGTERM) == reaction


@pytest.mark.parametrize(
    ("ending", "number", "abrupt"),
    [
        pytest.param(Ending(way="running"), None, "", id="runs"),
        pytest.param(Ending(way="by itself", exit_code=0), None, "", id="success"),
        pytest.param(Ending(way="by itself", exit_code=1), None, "", id="failure"),
        pytest.param(Ending(way="by itself", exit_code=None), None, "", id="code taken"),
        pytest.param(
            Ending(way="by itself", exit_code=-11),
            11,
            "was ended by SIGSEGV, which otlptest did not send",
            id="crash",
        ),
        pytest.param(
            Ending(way="by itself", exit_code=143),
            15,
            "exited with code 143, as a shell reports an end by SIGTERM",
            id="shell",
        ),
        pytest.param(Ending(way="by itself", exit_code=128), None, "", id="128 is not a signal"),
        pytest.param(Ending(way="by itself", exit_code=200), None, "", id="200 is not a signal"),
        pytest.param(
            stopped(-15, recipient("python3.12", "default")),
            15,
            "was ended by SIGTERM (it has no handler)",
            id="no handler",
        ),
        pytest.param(
            stopped(-15, recipient("python3.12", "catches")),
            15,
            "was ended by SIGTERM (though it caught it)",
            id="handler that ends by the signal at once",
        ),
        pytest.param(
            stopped(-15, recipient("node", "unclear")), 15, "was ended by SIGTERM", id="unclear"
        ),
        pytest.param(stopped(0, recipient("python3.12", "catches")), None, "", id="handler"),
        pytest.param(stopped(143, recipient("java", "catches")), None, "", id="a JVM's 143"),
        pytest.param(
            stopped(143, recipient("bash", "catches")),
            15,
            "exited with code 143, as a shell reports an end by SIGTERM",
            id="a shell's 143",
        ),
        pytest.param(
            stopped(-2, recipient("python3.12", "catches"), number=signal.SIGINT),
            2,
            "",
            id="Python unwinds on SIGINT",
        ),
        pytest.param(
            stopped(-15, recipient("ruby", "catches")), 15, "", id="Ruby unwinds on SIGTERM"
        ),
        pytest.param(
            stopped(-11, recipient("shop", "catches")),
            11,
            "was ended by SIGSEGV after stop() had sent SIGTERM",
            id="handler that crashes",
        ),
        pytest.param(
            stopped(-15, recipient("sh", "default"), recipient("java", "catches", pid=11)),
            15,
            "",
            id="shell around a handler",
        ),
        pytest.param(
            stopped(-15, recipient("sh", "default"), recipient("python3", "default", pid=11)),
            15,
            "has started process 11 (python3), which got SIGTERM and has no handler",
            id="shell around a program without handler",
        ),
        pytest.param(
            stopped(-15, recipient("sh", "default"), recipient("node", "unclear", pid=11)),
            15,
            "has started process 11 (node), which got SIGTERM and may have no handler",
            id="shell around Node",
        ),
        pytest.param(
            stopped(-15, recipient("sh", "default")),
            15,
            "was ended by SIGTERM (it has no handler)",
            id="shell alone",
        ),
        pytest.param(
            stopped(-9, recipient("shop", "ignores"), way="out of time"),
            9,
            "did not end on SIGTERM within 10 s and was killed",
            id="out of time",
        ),
        pytest.param(Ending(way="killed", exit_code=-9), 9, "was killed by kill()", id="kill"),
        pytest.param(Ending(way="killed"), 9, "was killed by kill()", id="kill, code taken"),
        pytest.param(
            stopped(-9, recipient("shop", "default"), number=signal.SIGKILL, way="killed"),
            9,
            "was killed by stop()",
            id="stop with SIGKILL",
        ),
        pytest.param(
            Ending(way="by itself", exit_code=0, killed=(CHILD,)),
            None,
            "has started process 11 (worker), which kill() killed",
            id="what it left behind was killed",
        ),
    ],
)
def test_end_without_a_chance_to_flush_says_why(
    ending: Ending, number: int | None, abrupt: str
) -> None:
    assert (ending.signal_number, ending.abrupt) == (number, abrupt)


def test_what_the_program_started_may_have_to_be_killed() -> None:
    ending = Ending(
        way="stopped", exit_code=0, sent=signal.SIGTERM, timeout_s=0.5, killed=(CHILD, CHILD)
    )
    assert ending.had_to_be_killed == ending.abrupt
    assert ending.abrupt == (
        "has started process 11 (worker) and process 11 (worker),"
        " which did not end on SIGTERM within 0.5 s"
    )
    assert stopped(-15, recipient("shop", "default")).had_to_be_killed == ""
    assert Ending(way="killed", exit_code=-9).had_to_be_killed == ""


def test_program_that_ended_just_before_it_was_killed_was_not_killed() -> None:
    record = EndingRecord()
    record.killing((), had_exited=False)
    assert record.ending(LEADER, has_exited=True, exit_code=0).way == "by itself"
    assert record.ending(LEADER, has_exited=True, exit_code=-9).way == "killed"


def test_program_that_ended_just_after_its_time_was_stopped() -> None:
    leader = Descendant(pid=LEADER, name="shop", is_in_group=True)
    record = EndingRecord()
    got = (recipient("shop", "catches"),)
    record.stopping(signal.SIGTERM, 1.0, got, had_exited=False)
    assert record.ending(LEADER, has_exited=False, exit_code=None).way == "running"
    record.out_of_time((leader, CHILD))
    assert record.ending(LEADER, has_exited=True, exit_code=0).way == "stopped"
    late = record.ending(LEADER, has_exited=True, exit_code=-9)
    assert (late.way, late.killed, late.timeout_s) == ("out of time", (CHILD,), 1.0)


PYTHON_ADVICE = (
    "let it handle SIGTERM: signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); or"
    " stop(signal_number=signal.SIGINT), on which Python flushes"
)


@pytest.mark.parametrize(
    ("ending", "advice"),
    [
        pytest.param(Ending(way="running"), "", id="runs"),
        pytest.param(stopped(0, recipient("python3", "catches")), "", id="flushed"),
        pytest.param(stopped(-15, recipient("python3", "default")), PYTHON_ADVICE, id="Python"),
        pytest.param(
            stopped(-15, recipient("sh", "default"), recipient("python3", "default", pid=11)),
            PYTHON_ADVICE,
            id="Python in a shell",
        ),
        pytest.param(
            stopped(-15, recipient("node", "unclear")),
            "let it handle SIGTERM and shut its SDK down in process.on('SIGTERM', …)",
            id="Node",
        ),
        pytest.param(
            stopped(-15, recipient("shop", "unclear")),
            "let it handle SIGTERM and shut its SDK down",
            id="Go",
        ),
        pytest.param(stopped(-11, recipient("shop", "catches")), "", id="crash"),
        pytest.param(Ending(way="killed", exit_code=-9), "stop() would give it one", id="kill"),
        pytest.param(
            stopped(-9, recipient("shop", "ignores"), way="out of time"),
            "its end hangs, or it needs more time: --otlp-stop-timeout-s, stop(timeout_s=…)",
            id="out of time",
        ),
        pytest.param(Ending(way="by itself", exit_code=-9), "", id="somebody else"),
    ],
)
def test_end_without_a_chance_to_flush_has_its_advice(ending: Ending, advice: str) -> None:
    assert ending.advice == advice


@pytest.mark.parametrize(
    ("ending", "may"),
    [
        pytest.param(stopped(-15, recipient("python3", "default")), False, id="no handler"),
        pytest.param(stopped(-15, recipient("python3", "catches")), True, id="handler"),
        pytest.param(stopped(-15, recipient("node", "unclear")), True, id="Node"),
        pytest.param(
            stopped(-9, recipient("shop", "ignores"), way="out of time"), False, id="out of time"
        ),
        pytest.param(Ending(way="killed", exit_code=-9), False, id="kill"),
        pytest.param(Ending(way="by itself", exit_code=-9), False, id="killed by somebody"),
        pytest.param(Ending(way="by itself", exit_code=-11), False, id="crash"),
        pytest.param(Ending(way="by itself", exit_code=-15), True, id="stopped by somebody"),
        pytest.param(Ending(way="by itself", exit_code=0, killed=(CHILD,)), False, id="child"),
    ],
)
def test_end_that_may_have_left_a_chance_is_not_called_one_without(
    ending: Ending, *, may: bool
) -> None:
    assert ending.may_have_flushed is may
