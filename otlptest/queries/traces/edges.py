"""Service edges: which service calls which, by the spans of a trace."""

from otlptest.queries.traces.forest import Forest


def service_edges(forest: Forest) -> frozenset[tuple[str, str]]:
    """Return (caller, callee) for each span whose parent belongs to another service.

    Only a direct child counts. Spans without a service in the resource (`service.name`) give no
    edge.
    """
    found: set[tuple[str, str]] = set()
    for place, parent in enumerate(forest.parents):
        if parent is None:
            continue
        caller, callee = forest.spans[parent].service, forest.spans[place].service
        if caller is not None and callee is not None and caller != callee:
            found.add((caller, callee))
    return frozenset(found)
