from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "learntrace.intake"
