"""Logs that say which tenant, which reference, which message: bound once, on every line after."""

import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# What follows in these addresses is as good as a password or a signature.
_SECRET = re.compile(r"(/(?:decide|invitation|account/password/reset/key)/)[^/\s]+")


def without_links(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whoever reads logs must not be able to decide or log in by them."""
    event["event"] = _SECRET.sub(r"\1…", str(event.get("event", "")))
    return event


def logging_config(*, plain: bool, level: str) -> dict[str, Any]:
    """Configure structlog and the standard library alike; `plain` for people, JSON lines for machines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_links,
    ]
    renderer = structlog.dev.ConsoleRenderer(colors=False) if plain else structlog.processors.JSONRenderer()
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        # Each line a conversation or a job would write by itself; what is worth knowing of them our own lines say.
        "loggers": {
            name: {"level": "WARNING"}
            for name in ("mail.log", "celery.worker.strategy", "celery.app.trace", "celery.beat")
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(config)
    return config
