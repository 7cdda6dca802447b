"""Addresses of the pages about protocols; included at the root of the staff pages."""

from django.urls import path

from treatments.views import protocols

PROTOCOL = "protocols/<uuid:protocol>/"

urlpatterns = [
    path("protocols/", protocols.protocols, name="protocols"),
    path(PROTOCOL, protocols.protocol, name="protocol"),
    path(f"{PROTOCOL}compare/", protocols.protocol_compare, name="protocol_compare"),
    path(f"{PROTOCOL}publish/", protocols.protocol_publish, name="protocol_publish"),
]
