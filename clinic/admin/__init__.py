"""The administration of places, rooms, devices, people in the diary and message wordings."""

from clinic.admin import messages, places, team

__all__ = ["messages", "places", "team"]
