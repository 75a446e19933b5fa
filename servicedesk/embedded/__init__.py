"""The project's own PostgreSQL and Valkey, for whoever gives no DATABASE_URL or REDIS_URL.

words         what a person reads: progress in a line, a refusal in place of a traceback
process       children that do not outlive us
home          folders, system account, secrets: where a set of servers lives
postgres      start, stop, roles and databases
valkey        start and stop
services      both together, and the locks that let several commands share one checkout
variables     the environment that Django's processes are given
prepare       what happens inside Django before the web starts: migrate, catalogues, static files, demo
browser       a Chromium for the browser tests
commands      what `run.py` can be asked for
"""
