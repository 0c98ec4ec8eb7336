"""The common base of all document shapes: strict types, no unknown keys."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A mapping in a document: text is not a number, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
