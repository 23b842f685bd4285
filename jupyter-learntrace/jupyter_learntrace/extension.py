"""Loads the extension into a Jupyter server: that of JupyterLab and Notebook 7 (jupyter_server), or Classic Notebook 6.

A failure here is logged in one line and leaves the Jupyter server as it would be without the extension.
"""

from __future__ import annotations

import logging
from typing import Any

from tornado.ioloop import IOLoop
from traitlets import TraitError
from traitlets.config import Config

from jupyter_learntrace import delivery_state
from jupyter_learntrace.collector import Collector, Idle
from jupyter_learntrace.configuration import Learntrace, Unusable, settings_of
from jupyter_learntrace.handlers import SETTING, handlers
from jupyter_learntrace.messages import _


def server_application() -> type:
    """Return the extension's class for jupyter_server, which calls an application's `stop_extension` at the end."""
    # Imported here, because Classic Notebook 6 comes without jupyter_server.
    from jupyter_server.base.handlers import APIHandler
    from jupyter_server.extension.application import ExtensionApp

    class LearntraceApplication(ExtensionApp):  # type: ignore[misc]
        name = "jupyter_learntrace"
        description = "Learning telemetry from notebooks"

        def initialize_handlers(self) -> None:
            self.collector = attach(self.serverapp.web_app, self.serverapp.base_url, APIHandler, self.config, self.log)

        async def stop_extension(self) -> None:
            await _stop(self.collector, self.log)

    return LearntraceApplication


def load_in_notebook_6(nbapp: Any) -> None:
    from notebook.base.handlers import APIHandler

    collector = attach(nbapp.web_app, nbapp.base_url, APIHandler, nbapp.config, nbapp.log)
    clean_up = nbapp.cleanup_kernels

    # Notebook 6 has no hook for the end. It calls this method then, while its loop can still be used.
    def clean_up_after_us() -> None:
        try:
            IOLoop.current().run_sync(lambda: _stop(collector, nbapp.log))
        finally:
            clean_up()

    nbapp.cleanup_kernels = clean_up_after_us
    nbapp.log.info("jupyter_learntrace | extension was successfully loaded.")


def attach(web_app: Any, base_url: str, base: type, config: Config, log: logging.Logger) -> Collector | Idle:
    """Add the endpoints to a server's application, and start the collector behind them."""
    collector = _collector(config, log)
    web_app.settings[SETTING] = collector
    web_app.add_handlers(".*$", handlers(base, base_url))

    async def start() -> None:
        try:
            await collector.start()
        except Exception:
            log.exception("Learntrace: sending could not be started; events are kept")

    IOLoop.current().add_callback(start)
    return collector


def _collector(config: Config, log: logging.Logger) -> Collector | Idle:
    """Return the collector, or an Idle one where the configuration can't be used."""
    try:
        return Collector(settings_of(Learntrace(config=config)), log)
    except Unusable as problem:
        level = logging.WARNING if problem.wanted else logging.INFO
        log.log(level, "Learntrace: telemetry is off. %s", problem)
        return Idle(delivery_state.off(problem.sentence))
    except TraitError as problem:
        # The error's text shows the value, which may be a token in the wrong place.
        log.warning("Learntrace: telemetry is off. A value of c.Learntrace has the wrong type.")
        log.debug("Learntrace: %s", type(problem).__name__)
        return Idle(delivery_state.off(_("A value of c.Learntrace has the wrong type.")))


async def _stop(collector: Collector | Idle, log: logging.Logger) -> None:
    try:
        await collector.stop()
    except Exception:
        log.exception("Learntrace: stopping failed; waiting events are in the spool")
