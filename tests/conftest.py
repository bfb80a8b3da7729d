"""How much Hypothesis tries: `make test` little, always the same; `nox -s properties` much, always new."""

from hypothesis import settings

settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=1000, derandomize=False, deadline=None, print_blob=True)
settings.load_profile("quick")
