from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "learntrace.accounts"

    def ready(self) -> None:
        from learntrace.accounts import schema  # noqa: F401 (spectacular finds the token scheme once it is loaded)
