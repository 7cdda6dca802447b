"""The administration of people, anatomy, questions and consents, by what each page is about."""

from patients.admin import catalogue, consents, people

__all__ = ["catalogue", "consents", "people"]
