"""A proxy before any OTLP receiver: counts what passes, and does to it what a test asks for."""

from otlptest.proxy.fault_proxy import OtlpProxy
from otlptest.proxy.traffic import ProxiedConnection, Traffic

__all__ = ["OtlpProxy", "ProxiedConnection", "Traffic"]
