from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "learntrace.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from learntrace.accounts import (
            openapi,  # noqa: F401 (spectacular finds the token scheme once it is loaded)
            page_features,
            personal_data,
        )
        from learntrace.accounts.second_factor import required
        from learntrace.accounts.signing_in import sessions
        from learntrace.accounts.tokens import handed_out

        personal_data.register()
        required.register()
        page_features.register()
        sessions.connect()
        handed_out.connect()
