"""Where an SDK tells something else than `expected.py`, each with its reason.

A difference changes the expected data. A test holds that each really changes something; one that an
SDK has outgrown is noticed because its scenario then fails.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from tests.integration.scenario.normalised import Plain, spelt
from tests.integration.scenario.resources import ANY_TEXT, RESOURCES

__all__ = ["DIFFERENCES", "Difference", "differing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which some SDKs differ.

    Attributes:
        sdks: Which ones.
        reason: Why that is right, or whose shortcoming it is.
        change: Makes the expected data theirs, in place.
    """

    sdks: tuple[str, ...]
    reason: str
    change: Callable[[Plain], None]


def differing(expected: Plain, sdk: str) -> Plain:
    """What this SDK sends."""
    theirs = deepcopy(expected)
    for difference in DIFFERENCES:
        if sdk in difference.sdks:
            difference.change(theirs)
    return theirs


def _resource_of(sdk: str) -> Callable[[Plain], None]:
    def change(data: Plain) -> None:
        (resource,) = data["resources"]
        resource["attributes"].update(RESOURCES[sdk].attributes)
        resource["schema_url"] = RESOURCES[sdk].schema_url

    return change


def _exception(kind: str, **more: object) -> Callable[[Plain], None]:
    attributes = {
        "exception.type": spelt(kind),
        "exception.stacktrace": ANY_TEXT,
        **{f"exception.{key}": spelt(value) for key, value in more.items()},
    }
    return lambda data: data["spans"]["charge"]["events"][0]["attributes"].update(attributes)


def _items(data: Plain, *signals: str) -> Iterator[Plain]:
    for signal in signals:
        yield from data[signal].values()


def _no_scope_attributes(data: Plain) -> None:
    for item in _items(data, "spans", "metrics", "logs"):
        item["scope"] = {**item["scope"], "attributes": {}}


def _no_schema_url_of_spans(data: Plain) -> None:
    for span in _items(data, "spans"):
        span["scope"] = {**span["scope"], "schema_url": ""}


def _random_trace_flag(data: Plain) -> None:
    """Bit 1 of the trace flags, in our own traces; the invented caller did not set it."""
    for span in _items(data, "spans"):
        for told in (span, *span["links"]):
            if told["trace_state"] != "vendor=1":
                told["flags"] |= 2
    _random_trace_flag_of_logs(data)


def _random_trace_flag_of_logs(data: Plain) -> None:
    for log in _items(data, "logs"):
        if log["trace"] is not None:
            log["flags"] |= 2


def _no_trace_flags_of_spans(data: Plain) -> None:
    for span in _items(data, "spans"):
        for told in (span, *span["links"]):
            told["flags"] &= ~0xFF


def _no_trace_state_of_links(data: Plain) -> None:
    data["spans"]["consume order"]["links"][1]["trace_state"] = ""


def _keeps_newest_attributes(data: Plain) -> None:
    kept = {f"key.{number:02}": number for number in range(3, 23)}
    data["spans"]["overfull"]["attributes"] = spelt(kept)


def _keeps_oldest_events(data: Plain) -> None:
    first, second = data["spans"]["overfull"]["events"]
    first["name"], second["name"] = "event.0", "event.1"


def _thread_attributes(data: Plain) -> None:
    overfull = data["spans"]["overfull"]
    for number in (18, 19):
        del overfull["attributes"][f"key.{number}"]
    overfull["dropped_attributes"] += 2
    for span in _items(data, "spans"):
        span["attributes"].update({"thread.id": "1", "thread.name": "'main'"})


def _no_start_of_gauges(data: Plain) -> None:
    for metric in _items(data, "metrics"):
        if metric["type"] == "gauge":
            for point in metric["points"]:
                point["start"] = "absent"


def _no_exemplars(data: Plain) -> None:
    for metric in _items(data, "metrics"):
        for point in metric["points"]:
            point["exemplars"] = []


def _numbers_of_javascript(data: Plain) -> None:
    for item in (data["spans"]["POST /checkout"], data["logs"]["structured"]):
        item["attributes"].update({"double.whole": "2", "int.beyond_double": "9007199254740991"})


def _no_bytes_and_maps_in_spans(data: Plain) -> None:
    for key in ("bytes", "map"):
        del data["spans"]["POST /checkout"]["attributes"][key]


def _time_of_every_log(data: Plain) -> None:
    data["logs"]["structured"]["time"] = "in the run"


DIFFERENCES = (
    *(
        Difference(
            sdks=(sdk,),
            reason="Each SDK names itself; what else it finds out about its process is its own.",
            change=_resource_of(sdk),
        )
        for sdk in RESOURCES
    ),
    Difference(
        sdks=("python",),
        reason="Types are the language's. `exception.escaped` is deprecated and, here, text.",
        change=_exception("ValueError", escaped="False"),
    ),
    Difference(
        sdks=("node",),
        reason="Types are the language's.",
        change=_exception("RangeError"),
    ),
    Difference(
        sdks=("go",),
        reason="Types are the language's; errors.New gives this one.",
        change=_exception("*errors.errorString"),
    ),
    Difference(
        sdks=("java",),
        reason="Types are the language's.",
        change=_exception("java.lang.IllegalStateException"),
    ),
    Difference(
        sdks=("node", "java"),
        reason="Their APIs have no attributes of a scope.",
        change=_no_scope_attributes,
    ),
    Difference(
        sdks=("node",),
        reason="Its trace exporters leave the schema URL of a scope out; metrics and logs have it.",
        change=_no_schema_url_of_spans,
    ),
    Difference(
        sdks=("java",),
        reason="It sets the W3C level 2 flag `random` in traces that it begins.",
        change=_random_trace_flag,
    ),
    Difference(
        sdks=("python",),
        reason="It sets the W3C level 2 flag `random`, and exports trace flags with logs only.",
        change=_random_trace_flag_of_logs,
    ),
    Difference(
        sdks=("python",),
        reason="Its span exporter writes bits 8 and 9 of `flags` and leaves the trace flags out.",
        change=_no_trace_flags_of_spans,
    ),
    Difference(
        sdks=("python", "go"),
        reason="Their exporters leave the trace state of a link out.",
        change=_no_trace_state_of_links,
    ),
    Difference(
        sdks=("python",),
        reason="Over the limit it drops the oldest attribute; the specification leaves it open.",
        change=_keeps_newest_attributes,
    ),
    Difference(
        sdks=("java",),
        reason="Over the limit it drops the newest event; the specification leaves it open.",
        change=_keeps_oldest_events,
    ),
    Difference(
        sdks=("java",),
        reason="The agent adds the thread to every span, and that counts against the limit.",
        change=_thread_attributes,
    ),
    Difference(
        sdks=("python",),
        reason="The start time of a gauge is optional (metrics.proto), and it leaves it out.",
        change=_no_start_of_gauges,
    ),
    Difference(
        sdks=("node",),
        reason="The SDK has no exemplars.",
        change=_no_exemplars,
    ),
    Difference(
        sdks=("node",),
        reason="JavaScript has one type of number: 2.0 is 2, and integers end at 2^53 - 1.",
        change=_numbers_of_javascript,
    ),
    Difference(
        sdks=("node",),
        reason="Attributes of spans are of the simple types only; those of logs are not.",
        change=_no_bytes_and_maps_in_spans,
    ),
    Difference(
        sdks=("node",),
        reason="A record without a time gets the time at which it was emitted.",
        change=_time_of_every_log,
    ),
)
