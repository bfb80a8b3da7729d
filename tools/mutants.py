"""Count the mutants of each file that the tests notice; fail where they are less than nine in ten.

    make mutants        runs mutmut (hours on a slow machine; it goes on where it was stopped), then this

A mutant is the module with one small change: `<` made `<=`, a `+` made `-`, an argument left out. One that
passes all tests has survived: `mutmut show NAME` prints it, and `tests/survivors.md` says why it may.
"""

import subprocess
import sys
from collections import Counter, defaultdict

BOUND = 0.9
NOTICED = {"killed", "timeout", "segfault", "suspicious"}  # a loop that does not end is noticed too


def main():
    """Print the table of `mutmut results`."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    counts = defaultdict(Counter)
    for line in lines:
        name, _, outcome = line.strip().partition(": ")
        counts[name.split(".")[1]][outcome] += 1
    wrong = [] if counts else ["There are no mutants: run mutmut first."]
    print(f"{'file':<12}{'mutants':>9}{'tried':>7}{'killed':>8}{'survived':>10}{'share':>8}")
    for file, outcomes in sorted(counts.items()):
        tried = outcomes.total() - outcomes["not checked"]
        killed = sum(outcomes[outcome] for outcome in NOTICED)
        share = killed / tried if tried else 0.0
        print(f"{file:<12}{outcomes.total():>9}{tried:>7}{killed:>8}{tried - killed:>10}{share:>8.1%}")
        if share < BOUND:
            wrong.append(f"{file}: {share:.1%} of the mutants are noticed, and {BOUND:.0%} are wanted.")
    return "\n".join(wrong) or None


if __name__ == "__main__":
    sys.exit(main())
