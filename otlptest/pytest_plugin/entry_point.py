"""The target of the entry point `pytest11`: loads the plugin by its own name.

So the plugin is loaded once, however often it is named: by the entry point, `-p
otlptest.pytest_plugin`, `pytest_plugins` in a conftest. `-p no:otlptest` still turns it off.
"""

pytest_plugins = ("otlptest.pytest_plugin",)
