"""The first page after signing in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from patients.access import staff_only


@staff_only
def home(request: HttpRequest) -> HttpResponse:
    """Staff start with the diary."""
    return redirect("diary")
