"""What all tests share: figures that a check over everything counted are printed at the end of the run."""

import pytest
from django.conf import settings


@pytest.fixture
def counted(record_property):
    """Say how many things a check over "every" thing looked at."""

    def say(sentence):
        record_property("counted", sentence)

    return say


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Copy the database that `./run test` migrated once, instead of migrating again in every worker."""
    database = settings.DATABASES["default"]
    database["TEST"]["TEMPLATE"] = database["NAME"]


def pytest_terminal_summary(terminalreporter):
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == "counted"]
    if lines:
        terminalreporter.section("counted")
        for line in sorted(set(lines)):
            terminalreporter.write_line(line)
