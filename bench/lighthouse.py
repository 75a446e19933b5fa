"""Lighthouse on the portal's pages as a throttled phone sees them; needs Node.js, which nothing else here does.

Lighthouse itself comes from npm, pinned, into var/bench; the product runs as it does for the other measurements.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.databases import CHECKOUT, inside
from bench.measure import say
from bench.servers import PRODUCT, Server, gunicorn
from servicedesk.embedded.browser import find_browser

VERSION = "12.8.2"  # the last for Node.js 20
CATEGORIES = ("performance", "accessibility", "best-practices")
SCORE_AT_LEAST, KILOBYTES_AT_MOST, SHIFT_AT_MOST = 95, 100.0, 0.02
LONGEST_RUN_SECONDS = 300
ATTEMPTS = 4


@dataclass(frozen=True)
class Sight:
    """One run on one page. Scores from 0 to 100, times in milliseconds, `kilobytes` as they came, without images."""

    performance: float
    accessibility: float
    best_practices: float
    first_paint: float
    largest_paint: float
    blocked: float
    shift: float
    kilobytes: float


def measure(tickets: int, runs: int) -> dict[str, list[Sight]]:
    program, browser = install(), find_browser()
    if browser is None:
        sys.exit("bench: Lighthouse needs a Chromium; install one, or name it in CHROMIUM.")
    inside(tickets, "prepare")
    ids, pages = inside(tickets, "ids"), inside(tickets, "portal")
    found: dict[str, list[Sight]] = {name: [] for name in pages}
    with gunicorn(tickets, PRODUCT, ids["tenant"]) as server:
        for number in range(runs):
            say(f"Round {number + 1} of {runs} ...")
            for name, page in pages.items():
                found[name].append(look(program, browser, server, page))
    inside(tickets, "forget")
    return found


def install() -> Path:
    """Lighthouse of our version; what is there already is taken."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("bench: Lighthouse needs Node.js with npm (version 18 or newer).")
    folder = CHECKOUT / "var" / "bench" / f"lighthouse-{VERSION}"
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        say(f"Installing Lighthouse {VERSION} ...")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"lighthouse@{VERSION}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return program


def look(program: Path, browser: str, server: Server, page: dict[str, str]) -> Sight:
    """One run, in a profile of its own. Chromium now and then records nothing of a load; then it is loaded again."""
    address = f"http://{page['host']}:{server.port}{page['path']}"
    with tempfile.TemporaryDirectory() as folder:
        headers, answer = Path(folder) / "headers.json", Path(folder) / "report.json"
        headers.write_text(json.dumps({"Cookie": page["cookie"]}), encoding="utf-8")
        command = [
            str(program), address, "--quiet", "--output=json", f"--output-path={answer}",
            f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ]  # fmt: skip
        for _attempt in range(ATTEMPTS):
            done = subprocess.run(
                command,
                env={**os.environ, "CHROME_PATH": browser},
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST_RUN_SECONDS,
            )
            if done.returncode == 0:
                return read(json.loads(answer.read_text(encoding="utf-8")))
        sys.exit(f"bench: Lighthouse could not load {address}: {done.stderr.strip().splitlines()[:1]}")


def read(found: dict[str, Any]) -> Sight:
    audits = found["audits"]

    def value(name: str) -> float:
        return float(audits[name]["numericValue"])

    requests = audits["network-requests"]["details"]["items"]
    weight = sum(one.get("transferSize", 0) for one in requests if one.get("resourceType") != "Image")
    scored = found["categories"]
    performance, accessibility, practices = (100 * float(scored[name]["score"] or 0) for name in CATEGORIES)
    return Sight(
        performance,
        accessibility,
        practices,
        value("first-contentful-paint"),
        value("largest-contentful-paint"),
        value("total-blocking-time"),
        value("cumulative-layout-shift"),
        weight / 1024,
    )


def middle(runs: list[Sight]) -> Sight:
    return Sight(*(statistics.median(getattr(one, name) for one in runs) for name in Sight.__dataclass_fields__))


def table(found: dict[str, list[Sight]]) -> str:
    head = ["page", "performance", "accessibility", "best practices"]
    head += ["first paint ms", "largest paint ms", "blocked ms", "shift", "kB"]
    rows = []
    for name, runs in found.items():
        one = middle(runs)
        scores = [f"{score:.0f}" for score in (one.performance, one.accessibility, one.best_practices)]
        times = [f"{time:,.0f}" for time in (one.first_paint, one.largest_paint, one.blocked)]
        rows.append([name, *scores, *times, f"{one.shift:.3f}", f"{one.kilobytes:.0f}"])
    return report.table(head, rows)


def reaches_goal(found: dict[str, list[Sight]]) -> bool:
    return all(
        min(one.performance, one.accessibility, one.best_practices) >= SCORE_AT_LEAST
        and one.kilobytes <= KILOBYTES_AT_MOST
        and one.shift <= SHIFT_AT_MOST
        for one in map(middle, found.values())
    )
