"""What the entry point `pytest11` names: loads the plugin by its own name.

So it is loaded once, however many ways it is asked for: the entry point, `-p
otlptest.pytest_plugin`, `pytest_plugins` in a conftest. `-p no:otlptest` still turns it off.
"""

pytest_plugins = ("otlptest.pytest_plugin",)
