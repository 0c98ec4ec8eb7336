"""OTLP requests: protobuf, JSON, files, and the model."""
