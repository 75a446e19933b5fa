"""Logs that say which tenant, which reference, which message: bound once, on every line after."""

import logging.config
from typing import Any

import structlog


def logging_config(*, plain: bool, level: str) -> dict[str, Any]:
    """Configure structlog and the standard library alike; `plain` for people, JSON lines for machines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
