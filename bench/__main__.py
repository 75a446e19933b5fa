"""`python3 run.py bench seed|run|where|explain|drop …`"""

import argparse
import sys
from pathlib import Path

from bench import measure, report
from bench.databases import inside
from bench.measure import Amount

SIZES = "1000,100000,1000000"


def sizes(text: str) -> list[int]:
    return sorted(int(part) for part in text.replace("_", "").split(","))


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    result: int = options.do(options)
    return result


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python3 run.py bench", description=__doc__)
    commands = root.add_subparsers(required=True)
    seed = commands.add_parser("seed", help="a database with so many tickets, kept for later runs")
    seed.add_argument("--tickets", type=int, required=True)
    seed.set_defaults(do=do_seed)
    run = commands.add_parser("run", help="speed of the pages beside two bare views, queries, where the time goes")
    run.add_argument("--sizes", type=sizes, default=sizes(SIZES))
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--requests", type=int, default=300, help="per page, size and round")
    run.add_argument("--json", type=Path, help="a file for the figures")
    run.set_defaults(do=do_run)
    return root


def do_seed(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    return 0


def do_run(options: argparse.Namespace) -> int:
    for size in options.sizes:
        measure.seed(size)
    inside(options.sizes[0], "prepare")
    counted = {size: inside(size, "queries") for size in options.sizes}
    results = measure.measure(options.sizes, Amount(options.rounds, options.requests))
    print(report.speed(results))
    print()
    print(report.queries(counted))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
