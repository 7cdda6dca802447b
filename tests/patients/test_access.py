import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from patients import access, roles
from tests.patients import factories


def view(request):
    return HttpResponse("inside")


def asked_by(rf, user):
    request = rf.get("/")
    request.user = user
    return request


@pytest.mark.django_db
@pytest.mark.parametrize("role", roles.ALL)
def test_staff_only_lets_every_role_in(rf, role):
    assert access.staff_only(view)(asked_by(rf, factories.user(role))).content == b"inside"


@pytest.mark.django_db
def test_staff_only_hides_the_page_from_people_without_a_role(rf):
    with pytest.raises(Http404):
        access.staff_only(view)(asked_by(rf, factories.user()))


@pytest.mark.django_db
def test_staff_only_hides_the_page_from_a_closed_account(rf):
    user = factories.user("reception")
    user.is_active = False

    with pytest.raises(Http404):
        access.staff_only(view)(asked_by(rf, user))


def test_staff_only_hides_the_page_from_somebody_not_signed_in(rf):
    with pytest.raises(Http404):
        access.staff_only(view)(asked_by(rf, AnonymousUser()))


@pytest.mark.django_db
def test_clinical_only_tells_reception_who_may(rf):
    with pytest.raises(PermissionDenied, match="This page is for: Practitioner, Clinical lead"):
        access.clinical_only(view)(asked_by(rf, factories.user("reception")))


@pytest.mark.django_db
def test_roles_lets_in_any_of_the_named(rf):
    guarded = access.roles(roles.ADMINISTRATOR, roles.CLINICAL_LEAD)(view)

    assert guarded(asked_by(rf, factories.user("reception", "clinical lead"))).content == b"inside"


@pytest.mark.parametrize("names", [(), ("owner",)])
def test_roles_refuses_what_is_no_role(names):
    with pytest.raises(ValueError, match="Not a role"):
        access.roles(*names)


def test_each_marker_names_its_audience():
    marked = [
        access.staff_only, access.clinical_only, access.roles(roles.RECEPTION), access.signed_in, access.public,
        access.portal,
    ]  # fmt: skip

    assert {marker(lambda request: None).audience for marker in marked} == access.AUDIENCES


def test_public_needs_no_login_and_the_others_do():
    assert not access.public(lambda request: None).login_required
    assert getattr(access.signed_in(lambda request: None), "login_required", True)


@pytest.mark.django_db
def test_patient_or_404_leads_from_a_merged_record_to_the_surviving_one():
    survivor = factories.patient()

    assert access.patient_or_404(factories.patient(merged_into=survivor).public_id) == survivor


@pytest.mark.django_db
def test_patient_or_404_hides_what_is_not_there():
    with pytest.raises(Http404):
        access.patient_or_404(factories.key())
