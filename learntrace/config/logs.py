"""Structured logs: one event per line on standard error, from our own code and from libraries alike."""

import logging.config

from learntrace.config.loading import missing

# A log looks the same wherever it is written: with rich installed, structlog would draw frames around tracebacks.
with missing("rich"):
    import structlog


def configure_logging(level: str, form: str, *, to_terminal: bool) -> None:
    """Send every log record through structlog, as JSON or, on a terminal, for people.

    `form` is auto, json or console. Nothing here sees a header or a body, so no token can reach the log.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    console = form == "console" or (form == "auto" and to_terminal)
    renderer: structlog.typing.Processor
    if console:
        renderer = structlog.dev.ConsoleRenderer()
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "event": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                # Django logs each 4xx here; the request log has them already.
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                "psycopg.pool": {"level": "ERROR"},
                # It logs two lines for each wake-up.
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
