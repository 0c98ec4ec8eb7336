"""A proxy before any OTLP receiver: counts the traffic, and injects the faults of a test."""

from otlptest.proxy.fault_proxy import OtlpProxy
from otlptest.proxy.traffic import ProxiedConnection, Traffic

__all__ = ["OtlpProxy", "ProxiedConnection", "Traffic"]
