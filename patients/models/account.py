"""Logins. One table for staff and patients; roles are groups, patients come in through `PortalAccess`."""

import uuid
from functools import cached_property

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """An address as logins keep it: in small letters, as signing in looks for it."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, email: str) -> "User":
        return self.get(email__iexact=email)

    def create_user(self, email: str, password: str | None = None, **details: object) -> "User":
        user = self.model(email=self.normalize_email(email), **details)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **details: object) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **details})


class User(AbstractBaseUser, PermissionsMixin):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_staff = models.BooleanField(_("may open the administration pages"), default=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    # Part of the key that every session of the person carries: counting it up ends them all.
    session_round = models.PositiveIntegerField(default=1, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ("name",)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_is_unique",
                violation_error_message=_("Somebody already signs in with this e-mail address."),
            )
        ]

    def __str__(self):
        return self.name or self.email

    @cached_property
    def role_names(self) -> frozenset[str]:
        return frozenset(self.groups.values_list("name", flat=True))

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's own, and the round: both a new password and a new round end the sessions."""
        text = f"{self.password}:{self.session_round}"
        return salted_hmac("patients.models.User.session", text, secret=secret, algorithm="sha256").hexdigest()

    def get_full_name(self):
        return self.name

    def get_short_name(self):
        return self.name.split(" ")[0]
