"""Flower: the workers' page, read-only and behind a password."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, Final

from celery import Celery
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.settings import BrokerUrl

COLUMNS: Final = "name,args,state,received,started,runtime,worker,uuid"
TASKS_KEPT: Final = 1_000
"""in memory; Flower's own bound of 100,000 grows to hundreds of MiB"""
OFFLINE_AFTER: Final = 600
"""seconds after which a worker that is gone leaves the list"""
INSPECT_TIMEOUT: Final = 3_000.0
"""milliseconds that the workers are given to answer"""
ASK_EVERY: Final = 10_000
"""milliseconds between questions to the workers which queues they consume"""


class FlowerSettings(BaseSettings):
    """Settings of Flower alone: it needs none of the counterparties' secrets, so it gets none."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True, extra="ignore")

    broker_url: BrokerUrl
    broker_api: str | None = None
    """RabbitMQ's management API, with a user that may only look: the queues' lengths come from there"""
    flower_user: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "hub"
    flower_password: Annotated[SecretStr, Field(min_length=16)]


def serve(settings: FlowerSettings, address: str, port: int, url_prefix: str) -> None:
    """Until SIGTERM or SIGINT."""
    for name in [name for name in os.environ if name.startswith("FLOWER_")]:
        del os.environ[name]  # FLOWER_UNAUTHENTICATED_API among them: settings come from HUB_… and nothing else
    from flower.app import Flower
    from tornado.ioloop import PeriodicCallback
    from tornado.options import options

    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    for name, value in _options(settings, address, port, url_prefix).items():
        setattr(options, name, value)
    app = Celery("lienthong-hub", broker=str(settings.broker_url), set_as_current=False)
    application = Flower(capp=app, options=options, **_application_settings(url_prefix))
    application.add_handlers(r".*", [_metrics(url_prefix)])  # goes before Flower's own
    signal.signal(signal.SIGTERM, _stop)
    application.start_http_server()
    # It asks the workers for their queues at its start only, and may start before they do.
    PeriodicCallback(application.update_workers, ASK_EVERY).start()
    try:
        application.start()
    except (KeyboardInterrupt, SystemExit):
        application.stop()


def _options(settings: FlowerSettings, address: str, port: int, url_prefix: str) -> dict[str, Any]:
    """Flower's own options, as its command line would set them."""
    optional = {"url_prefix": url_prefix, "broker_api": settings.broker_api}
    return {
        "address": address,
        "port": port,
        "basic_auth": [f"{settings.flower_user}:{settings.flower_password.get_secret_value()}"],
        "read_only": True,
        "max_tasks": TASKS_KEPT,
        "purge_offline_workers": OFFLINE_AFTER,
        "tasks_columns": COLUMNS,
        "inspect_timeout": INSPECT_TIMEOUT,
        **{name: value for name, value in optional.items() if value},
    }


def _application_settings(url_prefix: str) -> dict[str, Any]:
    from flower.urls import settings
    from flower.utils import prepend_url

    moved = ("login_url", "static_url_prefix") if url_prefix else ()
    return {**settings, **{name: prepend_url(settings[name], url_prefix) for name in moved}}


def _metrics(url_prefix: str) -> tuple[str, type[Any]]:
    """Flower's page of metrics, which names every worker and task, behind its password: Flower shows it to anybody."""
    from flower.utils import prepend_url
    from flower.views.monitor import Metrics
    from tornado.web import authenticated

    guarded = type("GuardedMetrics", (Metrics,), {"get": authenticated(Metrics.get)})
    return (prepend_url("/metrics", url_prefix) if url_prefix else "/metrics"), guarded


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
