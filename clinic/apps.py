"""The clinic app, and the administration with its own site in place of Django's."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class ClinicConfig(AppConfig):
    name = "clinic"
    verbose_name = _("Clinic")


class AdministrationConfig(admin_apps.AdminConfig):
    default = False
    default_site = "clinic.administration.CadenceSite"
