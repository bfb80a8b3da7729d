"""How much Hypothesis tries: `make test` little, always the same; `nox -s properties` much, always new.

And which tests go to one worker.
"""

import re

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=1000, derandomize=False, deadline=None, print_blob=True)
settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep together, on one worker, the tests of a page in the browser, and all others of a file.

    The marks for groups do not work with pytest 9.2 (pytest-xdist's issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling  # not where it is not used

    class ByPage(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            page = re.search(r"\[([\w/.]+\.html)", nodeid)
            return page[1] if page else nodeid.partition("::")[0]

    return ByPage(config, log)
