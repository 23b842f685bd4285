from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "learntrace.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from learntrace.accounts import (
            holdings,
            schema,  # noqa: F401 (spectacular finds the token scheme once it is loaded)
        )

        holdings.register()
