"""What all tests share: figures that a check over everything counted are printed at the end of the run."""

import pytest


@pytest.fixture
def counted(record_property):
    """Say how many things a check over "every" thing looked at."""

    def say(sentence):
        record_property("counted", sentence)

    return say


def pytest_terminal_summary(terminalreporter):
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == "counted"]
    if lines:
        terminalreporter.section("counted")
        for line in sorted(set(lines)):
            terminalreporter.write_line(line)
