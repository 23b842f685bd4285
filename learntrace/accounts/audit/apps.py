"""Django's administration with our site, which records what is done there."""

from django.contrib.admin.apps import AdminConfig


class RecordedAdminConfig(AdminConfig):
    default_site = "learntrace.accounts.audit.administration.RecordedSite"
