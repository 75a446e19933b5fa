import time
import sys
from bench import databases
from bench.databases import *
def seed(tickets):
    began = time.monotonic()
    databases.create(tickets)
    databases.inside(tickets, "migrate", DATABASE_URL=address(OWNER, name_of(tickets)))
    databases.inside(tickets, "seed", str(tickets))
    databases.set_mark(tickets, databases.mark_of(tickets))
    print(time.monotonic()-began)
seed(int(sys.argv[1]))
