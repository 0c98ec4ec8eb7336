"""What the shape of every document has in common: strict types, no unknown keys."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A mapping in a document: text is not a number, and a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
