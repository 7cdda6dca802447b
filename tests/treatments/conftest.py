"""A copy of the starter files, to be broken."""

import shutil

import pytest

from treatments.starter_files import STARTER


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(STARTER, tmp_path / "starter")
