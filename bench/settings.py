"""Settings of the bare views: the product's database and template engine, and nothing that makes it a product.

`BENCH_TENANT` names the tenant whose rows the policies let through, once per connection; `BENCH_LOGIN` adds session and
log-in.
"""

import os
from typing import Any

from servicedesk.settings import *  # noqa: F403 - settings are made to be taken over whole
from servicedesk.settings import DATABASES as PRODUCT_DATABASES
from servicedesk.settings import REDIS_URL

BENCH_TENANT = int(os.environ["BENCH_TENANT"])
ROOT_URLCONF = "bench.bare"
# Models of the accounts point to those of their second factors; neither costs a view anything.
FACTORS = ["allauth", "allauth.mfa"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", *FACTORS, "accounts", "bench"]
MIDDLEWARE: list[str] = []  # type: ignore[no-redef]
if os.environ.get("BENCH_LOGIN"):
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
SESSION_ENGINE = "bench.login"
AUTHENTICATION_BACKENDS = ["bench.login.PlainBackend"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES: dict[str, dict[str, Any]] = {  # type: ignore[no-redef]
    "default": {
        **PRODUCT_DATABASES["default"],
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {"options": f"-c desk.tenant={BENCH_TENANT}"},
    }
}
