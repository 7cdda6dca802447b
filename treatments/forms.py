"""What people type on the pages of this app."""

from django import forms
from django.utils.translation import gettext_lazy as _


class PublishForm(forms.Form):
    """The clinical lead's word for one version; the version is the one that was on the screen."""

    version = forms.UUIDField(widget=forms.HiddenInput)
    is_checked = forms.BooleanField(
        label=_("I have checked every value"),
        error_messages={"required": _("Check every value first, then tick the box.")},
    )
