"""What each SDK tells about itself and its process, beside the attributes that the run asks for."""

import re
from dataclasses import dataclass

from tests.integration.scenario.normalised import Plain, spelt

__all__ = ["ANY_TEXT", "RESOURCES", "SdkResource", "Volatile"]


@dataclass(frozen=True, slots=True)
class Volatile:
    """Equal to every value whose spelling the whole pattern matches: no two machines share it."""

    pattern: str

    def __eq__(self, other: object) -> bool:
        spelling = other if isinstance(other, str) else str(other)
        return re.fullmatch(self.pattern, spelling, re.DOTALL) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)


ANY_TEXT = Volatile("""'.+'|".+\"""")
ANY_TEXTS = Volatile(r"\[.+\]")
_NUMBER = Volatile(r"\d+")
_UUID = Volatile("'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'")
_HEX = Volatile("'[0-9a-f]+'")


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkResource:
    """Attributes, by their spelling or what it must look like, and the schema URL."""

    attributes: Plain
    schema_url: str | Volatile = ""


def _sdk(language: str) -> Plain:
    return {
        "telemetry.sdk.language": spelt(language),
        "telemetry.sdk.version": Volatile(r"'\d+\.\d+\.\d+'"),
    }


_SEMANTIC_CONVENTIONS = Volatile(r"https://opentelemetry\.io/schemas/1\.\d+\.\d+")

RESOURCES = {
    "python": SdkResource(attributes={**_sdk("python"), "service.instance.id": _UUID}),
    "go": SdkResource(attributes=_sdk("go"), schema_url=_SEMANTIC_CONVENTIONS),
    "node": SdkResource(
        attributes={
            **_sdk("nodejs"),
            "host.arch": ANY_TEXT,
            "host.id": _HEX,
            "host.name": ANY_TEXT,
            "process.command": Volatile(r"'.+scenario\.js'"),
            "process.command_args": ANY_TEXTS,
            "process.executable.name": "'node'",
            "process.executable.path": Volatile("'.+node'"),
            "process.owner": ANY_TEXT,
            "process.pid": _NUMBER,
            "process.runtime.description": "'Node.js'",
            "process.runtime.name": "'nodejs'",
            "process.runtime.version": Volatile(r"'\d+\.\d+\.\d+'"),
        }
    ),
    "java": SdkResource(
        attributes={
            **_sdk("java"),
            "host.arch": ANY_TEXT,
            "host.name": ANY_TEXT,
            "os.description": ANY_TEXT,
            "os.type": ANY_TEXT,
            "os.version": ANY_TEXT,
            "process.command_args": ANY_TEXTS,
            "process.executable.path": Volatile("'.+java'"),
            "process.pid": _NUMBER,
            "process.runtime.description": ANY_TEXT,
            "process.runtime.name": ANY_TEXT,
            "process.runtime.version": ANY_TEXT,
            "service.instance.id": _UUID,
            "telemetry.distro.name": "'opentelemetry-java-instrumentation'",
            "telemetry.distro.version": Volatile(r"'\d+\.\d+\.\d+'"),
        },
        schema_url=_SEMANTIC_CONVENTIONS,
    ),
}
