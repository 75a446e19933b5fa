"""`python3 run.py bench --help` lists what there is; docs/performance.md says what the figures mean."""

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import clocks, databases, lighthouse, mail_faults, mail_fuzz, mail_rates, mail_samples, measure, report
from bench.databases import inside
from bench.measure import Amount

SIZES = "1000,100000,1000000"
# Whose time is taken apart (bench/where.py).
PAGES = {"list": "portal list", "request": "request page"}


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    result: int = options.do(options)
    return result


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python3 run.py bench")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    seed = commands.add_parser("seed", help="make a database with so many tickets; it is kept for later runs")
    seed.add_argument("--tickets", type=count, required=True)
    seed.set_defaults(do=do_seed)
    run = commands.add_parser("run", help="the pages beside two bare views; queries; where the time goes")
    run.add_argument("--sizes", type=sizes, default=sizes(SIZES), help=f"tickets, by default {SIZES}")
    run.add_argument("--rounds", type=count, default=5)
    run.add_argument("--requests", type=count, default=100, help="per page, size and round; by default 100")
    run.add_argument("--json", type=Path, help="a file for all figures")
    run.set_defaults(do=do_run)
    for name, do, words in (
        ("explain", do_explain, "the plan of each list and search; fails when a large table is read whole"),
        ("verbs", do_verbs, "what each verb of a ticket costs; fails when one misses its goal"),
        ("search", do_search, "how long a customer's search takes; fails when one in twenty takes more than 100 ms"),
        ("clocks", do_clocks, "how long 10,000 due tickets take two workers; fails when that is more than a minute"),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("--tickets", type=count, default=1_000_000)
        one.set_defaults(do=do)
    where = commands.add_parser("where", help="where a page's time goes")
    where.add_argument("--page", choices=PAGES, default="list")
    where.add_argument("--tickets", type=count, default=1_000_000)
    where.set_defaults(do=do_where)
    samples = commands.add_parser("mail-samples", help="a folder of messages taken in, and what became of each kind")
    samples.add_argument("folder", type=Path, nargs="?")
    samples.set_defaults(do=do_mail_samples)
    rates = commands.add_parser("mail-rates", help="how fast mail is taken in; fails when a goal is missed")
    rates.add_argument("--tickets", type=count, default=100_000)
    rates.add_argument("--messages", type=count, default=3_000)
    rates.add_argument("--profile", type=Path, help="a file for a profile of one process; nothing else is measured")
    rates.set_defaults(do=do_mail_rates)
    faults = commands.add_parser("mail-faults", help="mail while everything is killed; fails when a message is lost")
    faults.add_argument("--messages", type=count, default=5_000)
    faults.add_argument("--faults", type=count, default=200)
    faults.add_argument("--minutes", type=float, default=20, help="in which the messages come; by default 20")
    faults.add_argument("--seed", type=int, default=1)
    faults.set_defaults(do=do_mail_faults)
    fuzz = commands.add_parser("mail-fuzz", help="bytes that nobody would send, against all that reads mail")
    fuzz.add_argument("--minutes", type=float, default=30, help="of the processor; by default 30")
    fuzz.set_defaults(do=do_mail_fuzz)
    looks = commands.add_parser("lighthouse", help="home, form and request page on a throttled phone; needs Node.js")
    looks.add_argument("--tickets", type=count, default=1_000)
    looks.add_argument("--runs", type=count, default=5, help="of which the medians count; by default 5")
    looks.set_defaults(do=do_lighthouse)
    commands.add_parser("drop", help="remove the databases that the bench made").set_defaults(do=do_drop)
    return root


def do_lighthouse(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    found = lighthouse.measure(options.tickets, options.runs)
    print(lighthouse.table(found))
    return 0 if lighthouse.reaches_goal(found) else 1


def do_mail_samples(options: argparse.Namespace) -> int:
    folder = options.folder or mail_samples.default_folder()
    if not (folder / "MANIFEST.tsv").exists():
        print(f"There is no folder of messages with a MANIFEST.tsv at {folder}; MAIL_SAMPLES names another one.")
        return 2
    words, reached = mail_samples.run(folder)
    print(words)
    return 0 if reached else 1


def do_mail_rates(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    if options.profile:
        print(mail_rates.profile(options.tickets, options.messages, options.profile))
        return 0
    words, reached = mail_rates.run(options.tickets, options.messages)
    print(words)
    return 0 if reached else 1


def do_mail_faults(options: argparse.Namespace) -> int:
    # Also when we are asked to end, all that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = mail_faults.Plan(options.messages, options.faults, 60 * options.minutes, options.seed)
    words, found = mail_faults.run(plan)
    print(words)
    return 1 if mail_faults.wrong(found) else 0


def do_mail_fuzz(options: argparse.Namespace) -> int:
    words, is_clean = mail_fuzz.run(options.minutes)
    print(words)
    return 0 if is_clean else 1


def count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def sizes(text: str) -> list[int]:
    found = sorted({count(part) for part in text.split(",")})
    if found[0] < 1000:
        raise argparse.ArgumentTypeError("the smallest size is 1000: below it no list fills its page")
    return found


def do_seed(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    return 0


def do_run(options: argparse.Namespace) -> int:
    for size in options.sizes:
        measure.seed(size)
    inside(options.sizes[0], "prepare")
    counted = {size: inside(size, "queries") for size in options.sizes}
    results = measure.measure(options.sizes, Amount(options.rounds, options.requests))
    parts = {name: inside(options.sizes[-1], "where", name) for name in PAGES}
    shown = [report.where(PAGES[name], found) for name, found in parts.items()]
    sections = [report.speed(results), report.queries(counted), *shown, report.goals(results, counted)]
    print("\n\n".join(sections))
    if options.json:
        figures = {
            size: {page: [asdict(one) for one in rounds] for page, rounds in pages.items()}
            for size, pages in results.items()
        }
        write(options.json, {"speed": figures, "queries": counted, "where": parts})
    return 0


def do_where(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    inside(options.tickets, "prepare")
    print(report.where(PAGES[options.page], inside(options.tickets, "where", options.page)))
    return 0


def do_explain(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    inside(options.tickets, "prepare")
    found = inside(options.tickets, "explain")
    print(report.plans(found))
    return 1 if any(one["whole_tables"] for one in found) else 0


def do_verbs(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    found = inside(options.tickets, "verbs")
    print(report.verbs(found))
    return 0 if report.verbs_reach_goal(found) else 1


def do_search(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    inside(options.tickets, "prepare")
    found = inside(options.tickets, "search")
    print(report.searches(found))
    return 0 if report.searches_reach_goal(found) else 1


def do_clocks(options: argparse.Namespace) -> int:
    measure.seed(options.tickets)
    found = clocks.measure(options.tickets)
    print(report.clocks(found))
    return 0 if report.clocks_reach_goal(found) else 1


def do_drop(_options: argparse.Namespace) -> int:
    for name in databases.made_by_bench():
        databases.command("DROP DATABASE {}", name)
        measure.say(f"{name} is gone.")
    return 0


def write(path: Path, figures: dict[str, Any]) -> None:
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
