import pytest
from django.db import InternalError, connection, transaction

from patients import audit
from patients.models import AccessLog
from tests.patients import factories

pytestmark = pytest.mark.django_db


def test_chart_opened_keeps_who_whose_and_which_page():
    user, patient = factories.user(), factories.patient()

    row = audit.chart_opened(user, patient, "history")

    assert (row.user, row.patient, row.act, row.page) == (user, patient, "opened", "history")


@pytest.mark.parametrize(
    "statement", ["UPDATE patients_accesslog SET page = 'other'", "DELETE FROM patients_accesslog"]
)
def test_access_log_refuses_change_by_raw_sql(statement):
    audit.chart_opened(factories.user(), factories.patient(), "history")

    with (
        pytest.raises(InternalError, match="accesslog_is_append_only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AccessLog.objects.get().page == "history"
