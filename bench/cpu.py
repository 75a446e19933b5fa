"""What a request costs in processor time: on a machine with noisy neighbours this says more than the clock."""

import os
from pathlib import Path

from bench import databases

PROC = Path("/proc")


def children(pid: int) -> list[int]:
    """The workers of a gunicorn. Empty where there is no /proc."""
    path = PROC / str(pid) / "task" / str(pid) / "children"
    return [int(part) for part in path.read_text().split()] if path.exists() else []


def backends(tickets: int) -> list[int]:
    """The processes of PostgreSQL that serve one size; of use only when it runs on this machine."""
    with databases.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [databases.name_of(tickets)])
        found = [row[0] for row in cursor.fetchall()]
    connection.close()
    return found


def seconds(pids: list[int]) -> float:
    """Processor time that these processes have used so far, all of their threads together."""
    ticks = 0
    for pid in pids:
        path = PROC / str(pid) / "stat"
        if path.exists():
            # The program's name stands in brackets and may hold spaces; user and system time follow it.
            fields = path.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
