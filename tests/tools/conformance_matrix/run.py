"""Makes the published matrix: `python tests/tools/conformance_matrix/run.py [NAME ...]`.

A name is `exporter/go`, `receiver/fake` and the like; without one, all. Runs the conformance suites
against the real subjects, every protocol of each, and writes their results to
`contracts/conformance/results/` and the tables to `contracts/conformance/`. Takes some minutes per
subject; with `--requirement ID`, only the cases that judge it run, and only its row is written.
Needs the peers: `python tests/peers/install.py`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from otlptest.conformance.exporter.cases import CASES
from otlptest.conformance.exporter.suite import ExporterSuite, conform_exporter
from otlptest.conformance.receiver.suite import ReceiverSuite, conform_receiver
from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.verdicts import VERDICTS, Result
from otlptest.model import Protocol
from otlptest.report.conformance.conformance_json import conformance_record, recorded_runs
from otlptest.report.conformance.conformance_matrix import matrix_markdown, matrix_of
from otlptest.requirements import all_requirements
from tests.peers.installation import peers_folder
from tests.tools.conformance_matrix.subjects import EXPORTERS, RECEIVERS, Exporter

CHECKOUT: Final = Path(__file__).resolve().parents[3]
PUBLISHED: Final = CHECKOUT / "contracts" / "conformance"
RESULTS: Final = PUBLISHED / "results"
# The variables of SDKs, and how long an export of an SDK may take with all that is sent again.
_OF_SDKS: Final = ("OTLP-CFG-", "OTLP-RESP-044")
_SHOWN: Final = frozenset({"fail", "warn"})
_WORST_FIRST: Final = ("fail", "warn", "pass", "inconclusive", "skip")


def main(arguments: list[str]) -> int:
    """Run what `arguments` name; the exit code is 0 whatever the verdicts are."""
    known = [*(f"exporter/{name}" for name in EXPORTERS), *(f"receiver/{n}" for n in RECEIVERS)]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--requirement", action="append", default=[], metavar="ID")
    chosen = parser.parse_args(arguments)
    names = chosen.names or known
    rows = frozenset(chosen.requirement)
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"no subject {unknown[0]!r}; there are: {', '.join(known)}")
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        side, _, subject = name.partition("/")
        judged = judged_exporter if side == "exporter" else judged_receiver
        made = judged(subject, rows)
        record = published(name, conformance_record(made))
        for run, told in zip(made.runs, record["runs"], strict=True):
            say(f"{run.subject} over {run.protocol}: {told['summary']} in {run.duration_s:.0f} s")
        if rows:
            known_record = json.loads((RESULTS / f"{side}-{subject}.json").read_text("utf-8"))
            record = with_rows(known_record, record, rows)
        text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (RESULTS / f"{side}-{subject}.json").write_text(without_places(text), "utf-8")
    for side in ("exporter", "receiver"):
        write_table(side)
    return 0


def with_rows(
    known: dict[str, Any], made: dict[str, Any], rows: AbstractSet[str]
) -> dict[str, Any]:
    """The known record, with some rows as they were made now."""
    runs = {run["protocol"]: run for run in made["runs"]}
    for run in known["runs"]:
        now = {each["id"]: each for each in runs[run["protocol"]]["results"] if each["id"] in rows}
        run["results"] = [now.get(each["id"], each) for each in run["results"]]
        run["summary"] = summary_of(run["results"])
    return known


def summary_of(results: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts = Counter(result["verdict"] for result in results)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def judged_exporter(name: str, rows: AbstractSet[str]) -> Conformance:
    subject = EXPORTERS[name]()
    cases = tuple(
        case.id
        for case in CASES
        if (subject.is_sdk or not all(map(is_of_sdks, case.requirements)))
        and (not rows or rows & set(case.requirements))
    )
    return Conformance(runs=tuple(judged_run(subject, each, cases) for each in subject.protocols))


def judged_run(subject: Exporter, protocol: Protocol, cases: Sequence[str]) -> SuiteRun:
    """The command in one protocol; what sees more of one that stays up judges that one."""
    patient = [each for each in cases if is_of(each, subject.patient.get(protocol, ()))]
    plans = [(subject.command, [each for each in cases if each not in patient])]
    plans += [(subject.staying, patient)] if patient else []
    runs = [
        conform_exporter(
            command,
            protocols=(protocol,),
            suite=ExporterSuite(cases=tuple(chosen), signals=subject.partly.get(protocol, ())),
            name=subject.title,
        ).runs[0]
        for command, chosen in plans
    ]
    return replace(
        runs[0],
        results=worst_results(chain.from_iterable(each.results for each in runs)),
        duration_s=sum(each.duration_s for each in runs),
    )


def is_of(case: str, names: Sequence[str]) -> bool:
    """Whether a case or its folder is named."""
    return case in names or case.partition("/")[0] in names


def worst_results(results: Iterable[Result]) -> tuple[Result, ...]:
    """One for each requirement, the worst, in the order of the catalogue."""
    found: dict[str, Result] = {}
    for each in results:
        known = found.get(each.id, each)
        found[each.id] = min(known, each, key=lambda one: _WORST_FIRST.index(one.verdict))
    return tuple(found[rule.id] for rule in all_requirements() if rule.id in found)


def judged_receiver(name: str, rows: AbstractSet[str]) -> Conformance:
    with RECEIVERS[name]() as target:
        return conform_receiver(target, suite=ReceiverSuite(cases=tuple(rows)))


def is_of_sdks(requirement: str) -> bool:
    """Whether the sources ask it of SDKs alone."""
    return requirement.startswith(_OF_SDKS)


def published(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """What is kept: the evidence of what is wrong, the verdict alone of the rest."""
    side, _, subject = name.partition("/")
    leaves_out = side == "exporter" and not EXPORTERS[subject]().is_sdk
    for run in record["runs"]:
        run["results"] = [
            {**result, "evidence": result["evidence"] if result["verdict"] in _SHOWN else "-"}
            for result in run["results"]
            if not (leaves_out and is_of_sdks(result["id"]))
        ]
        run["summary"] = summary_of(run["results"])
    return record


def without_places(text: str) -> str:
    """Paths as they are from the checkout, wherever this one and the peers are."""
    places = {f"{peers_folder()}/": ".cache/peers/", f"{CHECKOUT}/": ""}
    for place, written in places.items():
        text = text.replace(place, written)
    return text


def write_table(side: str) -> None:
    records = {
        file.name: json.loads(file.read_text("utf-8"))
        for file in sorted(RESULTS.glob(f"{side}-*.json"))
    }
    runs = [run for file, record in records.items() for run in recorded_runs(record, file)]
    if runs:
        head = f"# The {side}s\n\nMade by `python tests/tools/conformance_matrix/run.py`.\n\n"
        (PUBLISHED / f"{side}s.md").write_text(head + matrix_markdown(matrix_of(runs)), "utf-8")


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)  # noqa: T201 -- a script's output


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
