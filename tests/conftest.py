"""How much Hypothesis tries: `make test` little, always the same; `nox -s properties` much, always new.

And which tests go to one worker.
"""

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=1000, derandomize=False, deadline=None, print_blob=True)
settings.load_profile("quick")


def pytest_collection_modifyitems(items):
    """Keep together, on one worker, the tests of a page in the browser, and all others of a file."""
    for item in items:
        page = getattr(item, "callspec", None) and item.callspec.params.get("page")
        item.add_marker(pytest.mark.xdist_group(page or item.path.name))
