"""The administration of the catalogue, of what can be booked and of protocols, by what each page is about."""

from treatments.admin import catalogue, guidance, ingredients, protocol_versions, protocols, services

__all__ = ["catalogue", "guidance", "ingredients", "protocol_versions", "protocols", "services"]
