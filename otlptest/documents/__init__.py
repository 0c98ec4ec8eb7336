"""Files that people write: YAML 1.2, checked, with the place of each mistake.

A *document* is one such file; its *shape* is the model that it is checked against. A *path* is a
tuple of keys and indexes that leads to a value in it.
"""

from otlptest.documents.documents import Document, read_document
from otlptest.documents.mistakes import choices_hint
from otlptest.documents.places import KeyPath, Places
from otlptest.documents.shapes import Shape

__all__ = [
    "Document",
    "KeyPath",
    "Places",
    "Shape",
    "choices_hint",
    "read_document",
]
