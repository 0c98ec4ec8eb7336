"""Exporter cases of retries: a right exporter passes each, a wrong one is caught.

Most of the time of a case is waiting. So the wrong ones of a group run at the same time, and each
has its place in what the test compares.
"""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from otlptest.conformance import ExporterSuite, SuiteRun, conform_exporter
from otlptest.conformance.verdicts import Policy
from otlptest.model import Protocol
from tests.support.conformed import EXPORTER, broken_rules

GRPC: Protocol = "grpc"
HTTP: Protocol = "http/protobuf"
JSON: Protocol = "http/json"

RIGHT = (
    "retry",
    "refusals",
    "backoff",
    "throttling",
    "success",
    "limits",
    "redirects",
    "losses",
    "records",
    "timeouts",
)
AT_A_TIME = 6

# What is wrong with the exporter, the case and the protocol in which that shows, and every
# requirement that the case then finds broken.
Row = tuple[str, str, Protocol, str]
WRONG: dict[str, tuple[Row, ...]] = {
    "what is sent again over gRPC": (
        ("gives up on:CANCELLED", "retry/grpc_codes", GRPC, "RESP-020"),
        ("gives up on:DATA_LOSS", "retry/grpc_codes", GRPC, "RESP-035"),
        ("changes what it sends again", "retry/unavailable", GRPC, "RESP-043"),
        ("other ids in each attempt", "retry/unavailable", GRPC, "RESP-043"),
        ("reads only trailers", "retry/status_shapes", GRPC, "GRPC-036"),
        ("reads no bare status", "retry/bare_statuses", GRPC, "GRPC-037"),
        ("stops at a failing signal", "retry/other_signals", GRPC, "RESP-082"),
        ("lingers, and never retries", "retry/unavailable", GRPC, "RESP-034 RESP-040"),
        ("never retries", "retry/unavailable", GRPC, "RESP-034 RESP-040"),
    ),
    "what is sent again over HTTP": (
        ("gives up on:429", "retry/http_statuses", HTTP, "RESP-060"),
        ("gives up on:502", "retry/http_statuses", JSON, "RESP-061"),
        ("gives up on:504", "retry/http_statuses", HTTP, "RESP-063"),
        ("changes what it sends again", "retry/service_unavailable", HTTP, "RESP-043"),
        ("less in the next attempt", "retry/service_unavailable", HTTP, "RESP-043"),
        ("other ids in each attempt", "retry/service_unavailable", HTTP, "RESP-043"),
        ("retries what the body says", "retry/status_in_body", HTTP, "RESP-057"),
        ("retries:400", "retry/status_in_body", HTTP, ""),
        ("sends empty requests", "retry/service_unavailable", HTTP, ""),
        ("lingers, and never retries", "retry/service_unavailable", HTTP, "RESP-062 RESP-040"),
        ("never retries", "retry/service_unavailable", JSON, "RESP-062 RESP-040"),
        ("never retries", "retry/http_statuses", HTTP, "RESP-060 RESP-061 RESP-063"),
    ),
    "what is not sent again over gRPC": (
        ("retries:UNKNOWN", "refusals/grpc_codes", GRPC, "RESP-021"),
        ("retries:INVALID_ARGUMENT", "refusals/grpc_codes", GRPC, "RESP-022"),
        ("retries:INTERNAL", "refusals/grpc_codes", GRPC, "RESP-033"),
        ("retries a full receiver", "refusals/grpc_codes", GRPC, "RESP-027"),
        ("retries:INVALID_ARGUMENT", "refusals/dropped_for_good", GRPC, "RESP-037"),
    ),
    "what is not sent again over HTTP": (
        ("retries:400", "refusals/http_statuses", HTTP, "RESP-064"),
        ("pending spans, retries:400", "refusals/http_statuses", HTTP, "RESP-064"),
        ("retries:403", "refusals/http_statuses", HTTP, "RESP-065"),
        ("retries:408", "refusals/http_statuses", JSON, "RESP-067"),
        ("retries:500", "refusals/http_statuses", HTTP, "RESP-069"),
        ("retries:421", "refusals/other_http_statuses", HTTP, "RESP-070"),
        ("retries:599", "refusals/other_http_statuses", HTTP, "RESP-070"),
        ("retries what has Retry-After", "refusals/with_retry_after", HTTP, "RESP-081"),
    ),
    "waits": (
        ("fixed back-off", "backoff/growth", GRPC, "RESP-041"),
        ("no jitter", "backoff/growth", GRPC, "RESP-042"),
        ("no back-off", "backoff/growth", GRPC, "RESP-041 RESP-042"),
        ("fixed back-off", "backoff/http_growth", HTTP, "RESP-041 RESP-078"),
        ("back-off by the same time", "backoff/http_growth", HTTP, "RESP-041 RESP-078"),
        ("never ends", "backoff/end", HTTP, "RESP-044"),
        ("timeout per attempt", "backoff/end", GRPC, "CFG-042"),
    ),
    "throttling over gRPC": (
        (
            "never delayed",
            "throttling/retry_info",
            GRPC,
            "RESP-028 RESP-049 RESP-050 RESP-052",
        ),
        (
            "reads RetryInfo elsewhere",
            "throttling/retry_info",
            GRPC,
            "RESP-028 RESP-049 RESP-050 RESP-052",
        ),
        (
            "hammers when throttled",
            "throttling/retry_info",
            GRPC,
            "RESP-028 RESP-048 RESP-049 RESP-050 RESP-052",
        ),
        (
            "heeds a full receiver alone",
            "throttling/retry_info",
            GRPC,
            "RESP-049 RESP-052",
        ),
        ("hammers after a delay of zero", "throttling/zero_retry_info", GRPC, "RESP-051"),
    ),
    "throttling over HTTP": (
        ("ignores Retry-After:429", "throttling/retry_after", HTTP, "RESP-074"),
        ("ignores Retry-After:503", "throttling/retry_after", HTTP, "RESP-075 RESP-076"),
        ("ignores Retry-After:504", "throttling/retry_after", JSON, "RESP-077"),
        ("ignores Retry-After:date", "throttling/retry_after", HTTP, "RESP-076"),
        ("hammers after a delay of zero", "throttling/odd_retry_after", HTTP, "RESP-079"),
        ("drops what has an odd Retry-After", "throttling/odd_retry_after", HTTP, "RESP-079"),
        ("dies of an odd Retry-After", "throttling/odd_retry_after", HTTP, "RESP-079"),
        ("waits a second at most", "throttling/endless_retry_after", HTTP, "RESP-080"),
    ),
    "successes": (
        ("sends again after partial success", "success/partial", GRPC, "RESP-015"),
        ("sends again after partial success", "success/partial", JSON, "RESP-015"),
        ("sends empty requests", "success/partial", HTTP, ""),
        ("partial success unread", "success/partial", HTTP, "RESP-017"),
        ("dies of a partial success", "success/partial", GRPC, "RESP-017"),
        ("warns of an empty partial success", "success/empty_partial", GRPC, "RESP-016"),
        ("sends again after unknown fields", "success/unknown_fields", GRPC, "GRPC-044"),
        ("sends again after success", "success/unknown_fields", GRPC, "GRPC-044"),
        ("only 200 is success", "success/other_statuses", HTTP, "HTTP-048"),
        ("only 200 is not a loss", "success/other_statuses", HTTP, "HTTP-048"),
        ("sends again what was answered badly", "success/odd_bodies", HTTP, "HTTP-049"),
        ("sends again after success", "success/odd_bodies", JSON, "HTTP-049"),
        ("wants a content type", "success/odd_bodies", HTTP, "HTTP-049"),
        ("counts as text only", "success/json_counts", JSON, "JSON-041"),
        ("sends empty requests", "success/idle_intervals", HTTP, "RESP-008"),
        ("empty requests", "success/idle_intervals", GRPC, "RESP-008"),
        ("an empty request where nothing is sampled", "success/idle_intervals", HTTP, "RESP-008"),
    ),
    "answers and redirects": (
        ("dies of too long an answer", "limits/grpc_response", GRPC, "GRPC-023"),
        ("sends again after too long an answer", "limits/grpc_response", GRPC, "GRPC-024"),
        ("dies of too long an answer", "limits/http_response", HTTP, "HTTP-029"),
        ("takes answers of any size", "limits/http_response", HTTP, "HTTP-030"),
        ("silent about too long an answer", "limits/http_response", HTTP, "HTTP-031"),
        ("redirects are success", "redirects/nowhere", HTTP, "HTTP-046"),
        ("redirects are success", "redirects/page", HTTP, "HTTP-046"),
        ("follows redirects", "redirects/elsewhere", HTTP, "HTTP-047"),
        ("follows redirects", "redirects/page", HTTP, "HTTP-047"),
        ("follows redirects by GET", "redirects/page", HTTP, "HTTP-046"),
        ("silent about what it sends again", "records/unavailable", HTTP, "RESP-039"),
        ("silent about what it sends again", "records/unanswered", GRPC, "GRPC-033"),
    ),
    "lost connections": (
        ("dies of a lost connection", "losses/lost", GRPC, "GRPC-038"),
        ("gives up on:lost", "losses/lost", GRPC, "GRPC-038"),
        ("drops what was in a reset stream", "losses/lost", GRPC, "GRPC-038"),
        ("gives up on:lost", "losses/refused", HTTP, "HTTP-034"),
        ("gives up where nobody listens", "losses/refused", HTTP, "HTTP-034"),
        ("lingers, and never retries", "losses/refused", HTTP, "HTTP-034"),
        ("never retries", "losses/refused", JSON, "HTTP-034"),
        ("gives up on:lost", "losses/dropped", HTTP, "HTTP-036"),
        ("one more at once", "losses/dropped", HTTP, "HTTP-036"),
        ("no back-off", "losses/dropped", HTTP, "HTTP-036"),
        ("no jitter", "losses/refused", HTTP, "HTTP-035"),
    ),
    "timeouts": (
        ("timeout in seconds", "timeouts/values", GRPC, "CFG-040"),
        ("a tenth of the timeout", "timeouts/values", HTTP, "CFG-040"),
        ("another default timeout", "timeouts/values", HTTP, "CFG-041"),
        ("zero is the default timeout", "timeouts/values", HTTP, "CFG-043"),
        ("no limit by a negative timeout", "timeouts/values", HTTP, "CFG-041 CFG-044"),
        (
            "gives up at once after a negative timeout",
            "timeouts/values",
            GRPC,
            "CFG-044 CFG-045",
        ),
        ("dies of a timeout that is none", "timeouts/values", HTTP, "CFG-044 CFG-045"),
        ("no own TIMEOUT", "timeouts/own", GRPC, "CFG-052"),
        ("general TIMEOUT wins", "timeouts/own", HTTP, "CFG-052"),
        ("dies of a timeout that is none", "timeouts/odd_numbers", HTTP, "CFG-045"),
        ("dies of a negative queue", "timeouts/odd_numbers", GRPC, "CFG-046"),
        ("dies of a late answer", "timeouts/late_reply", HTTP, "RESP-088"),
    ),
    "timeouts of exports that hang beside the program": (
        ("TIMEOUT bounds the shutdown alone", "timeouts/values", HTTP, "CFG-040 CFG-041"),
        ("TIMEOUT bounds the shutdown alone", "timeouts/values", GRPC, "CFG-040 CFG-041"),
        ("no timeout, stays up", "timeouts/values", HTTP, "CFG-040"),
        ("stays up", "timeouts/values", HTTP, ""),
        ("stays up", "timeouts/values", GRPC, ""),
    ),
}
# What does not show by the command's ways, and must not be held against it.
UNTOLD: dict[str, tuple[Row, ...]] = {
    "no retries, slow to tell": (
        (
            "never retries, and is slow to tell",
            "retry/unavailable",
            GRPC,
            "RESP-034 RESP-040 RESP-043",
        ),
        (
            "never retries, and is slow to tell",
            "retry/http_statuses",
            HTTP,
            "RESP-060 RESP-061 RESP-063",
        ),
    ),
    "no retries": (
        ("never retries", "refusals/http_statuses", HTTP, "RESP-064"),
        ("retries:400", "refusals/with_retry_after", HTTP, "RESP-081"),
        ("never retries", "throttling/odd_retry_after", HTTP, "RESP-079"),
        ("never retries", "success/partial", HTTP, "RESP-015"),
        ("never retries", "backoff/growth", GRPC, "RESP-041 RESP-042"),
        ("never retries", "losses/refused", HTTP, "HTTP-035"),
        (
            "tries what was misdirected elsewhere, and nothing else",
            "refusals/other_http_statuses",
            HTTP,
            "RESP-070",
        ),
    ),
    "silence and delays": (
        ("partial success without details", "success/partial", HTTP, "RESP-017"),
        ("silent about failures", "records/unavailable", HTTP, "RESP-039"),
        ("silent about failures", "redirects/nowhere", HTTP, "HTTP-046"),
        ("never delayed", "throttling/retry_info", GRPC, "RESP-048"),
    ),
    "a little jitter": (("a little jitter", "backoff/http_growth", HTTP, "RESP-042"),),
    "end of back-off": (
        ("timeout in seconds", "backoff/end", HTTP, "CFG-042"),
        ("two attempts at most", "backoff/end", HTTP, "CFG-042"),
    ),
    "timeouts": (
        ("timeout in seconds", "timeouts/own", HTTP, "CFG-052"),
        ("no timeout, stays up and never retries", "timeouts/values", HTTP, "CFG-040 CFG-041"),
    ),
    "no retries, lingers": (
        ("lingers, and never retries", "retry/status_shapes", GRPC, "GRPC-036"),
        ("lingers, and never retries", "retry/bare_statuses", GRPC, "GRPC-037"),
        ("lingers, and never retries", "retry/status_in_body", HTTP, "RESP-057"),
    ),
}
UNTOLD_BESIDE = {
    ("never delayed", "throttling/retry_info"): {
        "OTLP-RESP-028",
        "OTLP-RESP-049",
        "OTLP-RESP-050",
        "OTLP-RESP-052",
    },
    ("never retries", "losses/refused"): {"OTLP-HTTP-034"},
}
# What is unusual and right.
UNUSUAL: dict[str, tuple[Row, ...]] = {
    "unusual waits": (
        ("small first wait", "backoff/http_growth", HTTP, "RESP-041 RESP-042 RESP-078"),
        ("small first wait", "backoff/growth", GRPC, "RESP-041 RESP-042"),
        ("a little jitter", "backoff/http_growth", HTTP, "RESP-041 RESP-078"),
        ("lingers, and exports in the background", "losses/refused", HTTP, "HTTP-034 HTTP-035"),
    ),
    "unusual timeouts": (
        (
            "a default timeout of 1 s",
            "throttling/retry_info",
            GRPC,
            "RESP-028 RESP-049 RESP-050 RESP-052",
        ),
        ("a default timeout of 1 s", "throttling/retry_after", HTTP, "RESP-074 RESP-075 RESP-076"),
    ),
    "unusual requests": (
        ("pending spans", "success/odd_bodies", HTTP, "HTTP-049"),
        ("pending spans", "success/unknown_fields", GRPC, "GRPC-044"),
        ("pending spans", "refusals/http_statuses", JSON, "RESP-064 RESP-069"),
        ("more in the next attempt", "retry/service_unavailable", HTTP, "RESP-043 RESP-062"),
    ),
}
# What is optional is skipped where it is done wrong.
OPTIONAL: tuple[Row, ...] = (
    ("reads no gzip", "success/compressed", HTTP, "HTTP-016"),
    ("partial success unread", "success/empty_partial", HTTP, "RESP-018"),
)
NEWEST = Policy(target_version=(1, 11))


def conformed(protocol: Protocol, *cases: str, wrong: str = "") -> SuiteRun:
    """The verdicts of some cases about the small exporter, with something planted."""
    command = [str(shutil.which("env")), f"WRONG={wrong}", sys.executable, str(EXPORTER)]
    if wrong.startswith("lingers"):
        command.insert(1, "SIGNALS=traces")
    timeout_s = 12.0 if wrong == "never ends" else 32.0
    suite = ExporterSuite(cases=cases, timeout_s=timeout_s, policy=NEWEST)
    (run,) = conform_exporter(command, protocols=[protocol], suite=suite).runs
    assert not run.problem
    return run


@pytest.mark.timeout(240)  # real waits: timeouts of 10 and 15 s among them
@pytest.mark.parametrize(
    ("protocol", "cases"),
    [
        pytest.param(GRPC, RIGHT, id=GRPC),
        pytest.param(HTTP, RIGHT, id=HTTP),
        pytest.param(JSON, ("success", "redirects"), id=JSON),
    ],
)
def test_a_right_exporter_passes(protocol: Protocol, cases: tuple[str, ...]) -> None:
    results = conformed(protocol, *cases).results
    assert [each for each in results if each.verdict != "pass"] == []
    assert all(each.evidence for each in results)


def test_a_misdirected_request_may_be_tried_elsewhere() -> None:
    run = conformed(
        HTTP, "refusals/other_http_statuses", wrong="tries what was misdirected elsewhere"
    )
    assert [(each.id, each.verdict) for each in run.results] == [("OTLP-RESP-070", "pass")]


def test_the_count_of_a_partial_success_is_one_of_its_details() -> None:
    run = conformed(HTTP, "success/partial", wrong="partial success as a count")
    verdicts = {each.id: each.verdict for each in run.results}
    assert verdicts == {"OTLP-RESP-015": "pass", "OTLP-RESP-017": "pass"}, run.results
    assert run.results[1].received == (
        "it says how many were rejected, without the receiver's message: 'WARNING: traces: "
        "partial success: the server rejected 1 of 1 spans'"
    )
    assert run.results[1].exchanges[0].startswith("traces answered ")


def runs_of(rows: tuple[Row, ...]) -> list[SuiteRun]:
    """The verdicts of each row, several exporters at a time."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        runs = [pool.submit(conformed, row[2], row[1], wrong=row[0]) for row in rows]
    return [run.result() for run in runs]


def seen_alone(row: Row, run: SuiteRun) -> SuiteRun:
    """The run of a row; once more by itself, where the noise of six at a time left it open.

    Waits that are shorter than the noise are inconclusive, and rightly so.
    """
    expected = {f"OTLP-{rule}" for rule in row[3].split()}
    open_rules = {each.id for each in run.results if each.verdict == "inconclusive"}
    return conformed(row[2], row[1], wrong=row[0]) if expected & open_rules else run


@pytest.mark.timeout(300)  # as above, with six exporters at a time
@pytest.mark.parametrize("group", WRONG)
def test_a_wrong_exporter_is_caught(group: str) -> None:
    for row, crowded in zip(WRONG[group], runs_of(WRONG[group]), strict=True):
        run = seen_alone(row, crowded)
        expected = {f"OTLP-{rule}" for rule in row[3].split()}
        unmet = [each for each in run.results if each.verdict != "pass"]
        assert broken_rules(run) == expected, (row, unmet)


@pytest.mark.timeout(240)  # as above
@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        *(pytest.param(rows, "inconclusive", id=group) for group, rows in UNTOLD.items()),
        *(pytest.param(rows, "pass", id=group) for group, rows in UNUSUAL.items()),
        pytest.param(OPTIONAL, "skip", id="optional"),
    ],
)
def test_what_shows_no_fault_is_not_held_against_an_exporter(
    rows: tuple[Row, ...], verdict: str
) -> None:
    for row, run in zip(rows, runs_of(rows), strict=True):
        verdicts = {each.id: each.verdict for each in run.results}
        found = {verdicts[f"OTLP-{rule}"] for rule in row[3].split()}
        assert found == {verdict}, (row, run.results)
        assert broken_rules(run) == UNTOLD_BESIDE.get(row[:2], set()), (row, run.results)
