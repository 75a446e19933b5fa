"""No process serves people from above the policies."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from servicedesk.role import ensure_bound_by_policies
from tests.migrated import url_for


@pytest.mark.django_db
def test_the_application_may_serve(django_db_blocker: object) -> None:
    ensure_bound_by_policies()


@pytest.mark.django_db
def test_the_owner_may_not() -> None:
    env = {**os.environ, "DATABASE_URL": url_for("DATABASE_OWNER_URL", connection.settings_dict["NAME"])}
    code = "import servicedesk.wsgi"
    answer = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert "above the row-level policies" in answer.stderr
