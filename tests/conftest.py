"""What all tests share: figures that a check over everything counted are printed at the end of the run."""

import pytest
from django.conf import settings
from whitenoise import WhiteNoise
from xdist.scheduler import LoadScopeScheduling

# What one worker runs alone, one test after the other: those that share a clinic, and those that count processes.
# The walk through every page takes as long as all other journeys: it has a clinic of its own.
TOGETHER = ("tests/journeys/test_every_page.py", "tests/journeys/", "tests/test_supervisor")


@pytest.fixture
def counted(record_property):
    """Say how many things a check over "every" thing looked at."""

    def say(sentence):
        record_property("counted", sentence)

    return say


class ByFolder(LoadScopeScheduling):
    """Groups tests by where they are: the groups of `xdist_group` do not reach the scheduler from pytest 9.2 on."""

    def _split_scope(self, nodeid):
        return next((start for start in TOGETHER if nodeid.startswith(start)), nodeid)


def pytest_xdist_make_scheduler(config, log):
    """`--dist loadgroup`, as `./run test` asks for, keeps together what is in `TOGETHER`."""
    return ByFolder(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def static_files_are_listed_once():
    """Each test's browser is served by a WhiteNoise of its own, and each of these would read the same 400 files."""
    listing, known = WhiteNoise.update_files_dictionary, {}

    def list_once(self, root, prefix):
        if (root, prefix) not in known:
            listing(self, root, prefix)
            known[root, prefix] = dict(self.files)
        self.files.update(known[root, prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", list_once)
        yield


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
