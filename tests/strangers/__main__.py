"""``python -m tests.strangers [COLLECTION ...]``: remake the complete table of outcomes."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest

from tests.strangers import crowd, table
from tests.strangers.models import COLLECTIONS
from tests.strangers.outcome import Outcome

PROCESSES = 2


def main() -> int:
    """Try every model of the named collections, or of all; exit 1 if an outcome is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    known = ", ".join(COLLECTIONS)
    parser.add_argument("collections", nargs="*", metavar="COLLECTION", help=known)
    asked = parser.parse_args().collections
    if unknown := set(asked) - set(COLLECTIONS):
        parser.error(f"no collection {', '.join(sorted(unknown))}; there are {known}")
    wrong = 0
    for collection in asked or COLLECTIONS:
        names = [one.name for one in COLLECTIONS[collection]()]
        if not names:
            print(f"{collection}: not to be had here, left as it is")
            continue
        outcomes = _tried(collection, names)
        table.write(collection, outcomes)
        wrong += sum(bool(one.wrong) for one in outcomes)
    return int(wrong > 0)


def _tried(collection: str, names: list[str]) -> list[Outcome]:
    """Distribute the models over processes and return their outcomes in order."""

    def tell(one: Outcome) -> None:
        print(one.line if one.wrong else one.model, flush=True)

    shares = [names[start::PROCESSES] for start in range(PROCESSES)]
    with ThreadPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(lambda share: crowd.outcomes(collection, share, tell), shares))
    return [one for one in chain(*zip_longest(*parts)) if one]


if __name__ == "__main__":
    sys.exit(main())
