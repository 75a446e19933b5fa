"""How long a customer waits for the requests with their words, at size. Runs inside Django (bench/inside.py).

The whole answer is timed, as the browser gets it: session, search, list, page.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from bench.pages import logged_in, visits

WARM, ROUNDS = 3, 40
# By kind: what is typed. Words of bench/seed.py.
WORDS = {
    "common": "warehouse",
    "two common": "warehouse printer",
    "one in fifty": "prinberg",
    "rare": "unit7919",
    "common and rare": "warehouse unit7919",
    "two letters": "wa",
    "a beginning": "unit79",
    "mistyped": "wareohuse",
    "unknown": "xylophone",
    "a number": "38",
}
SCOPES = ("mine", "organisation")
STATES = ("all", "open")


def measure() -> list[dict[str, Any]]:
    client = logged_in(visits()[0])
    found = []
    for scope in SCOPES:
        for state in STATES:
            for kind, words in WORDS.items():
                path = f"{reverse('requests')}?{urlencode({'scope': scope, 'state': state, 'q': words})}"
                times = [timed(client, path) for _ in range(WARM + ROUNDS)][WARM:]
                found.append({"kind": kind, "scope": scope, "state": state, **shares(times)})
    return found


def timed(client: Any, path: str) -> float:
    began = time.perf_counter()
    response = client.get(path)
    assert response.status_code == 200, path
    return 1000 * (time.perf_counter() - began)


def shares(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"p50": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)]}
