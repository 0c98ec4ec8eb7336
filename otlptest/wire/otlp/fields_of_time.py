"""Moves all times of a message: every field that counts nanoseconds since 1970."""

from google.protobuf.message import Message

from otlptest.wire.otlp.protobuf_faults import is_repeated

_HIGHEST = 2**64 - 1


def shift_times(message: Message, by_nano: int) -> None:
    """Move each `…_unix_nano` field that is set by that many nanoseconds, at any depth.

    Times that would leave their range stay at its end.
    """
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if is_repeated(field) else (value,):
                shift_times(inner, by_nano)
        elif field.name.endswith("_unix_nano"):
            if is_repeated(field):
                value[:] = [_shifted(time, by_nano) for time in value]
            else:
                setattr(message, field.name, _shifted(value, by_nano))


def _shifted(time: int, by_nano: int) -> int:
    return max(0, min(_HIGHEST, time + by_nano))
