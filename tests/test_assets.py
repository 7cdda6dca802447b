"""What the browser loads: vendored files are what the manifest says, pages keep to the content security policy."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

STATIC = settings.BASE_DIR / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
OWN_ASSETS = sorted(path for path in STATIC.glob("*.*") if path.suffix in {".css", ".js", ".svg"})

INLINE = {
    "inline style": re.compile(r"\sstyle\s*=|<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    "event attribute": re.compile(r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "third-party host": re.compile(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", re.IGNORECASE),
}
NAMESPACE = "http://www.w3.org/2000/svg"
ICON = re.compile(r"_icon\.html\" with name=\"([a-z0-9-]+)\"|icon=\"([a-z0-9-]+)\"")
STATIC_TAG = re.compile(r"{% static ['\"]([^'\"]+)['\"] %}")


def relative(path: Path) -> str:
    return path.relative_to(settings.BASE_DIR).as_posix()


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_vendored_file_has_the_hash_of_the_manifest(row):
    content = (VENDOR / row["file"]).read_bytes()

    assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert b"sourceMappingURL" not in content
    assert row["version"] in row["file"]
    assert row["license"]


def test_manifest_lists_every_vendored_file():
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}

    assert found - {"manifest.json"} == {row["file"] for row in MANIFEST}


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_keeps_to_the_content_security_policy(path):
    text = path.read_text().replace(NAMESPACE, "")

    assert {name for name, pattern in INLINE.items() if pattern.search(text)} == set()


@pytest.mark.parametrize("text", [
    '<p style="color: red">', "<style>", "<script>go()</script>", '<a onclick="go()">', '<a hx-on:click="go()">',
    '<a href="javascript:go()">', '<script src="https://cdn.example/x.js">', '<img src="//cdn.example/x.png">',
])  # fmt: skip
def test_policy_patterns_find_what_they_are_for(text):
    assert any(pattern.search(text) for pattern in INLINE.values())


@pytest.mark.parametrize("path", OWN_ASSETS, ids=relative)
def test_own_asset_names_no_third_party_host(path):
    text = path.read_text().replace(NAMESPACE, "")

    assert INLINE["third-party host"].findall(text) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_names_only_icons_and_files_that_exist(path):
    text = path.read_text()
    sprite = next(VENDOR.glob("bootstrap-icons/*/icons.svg")).read_text()
    icons = {first or second for first, second in ICON.findall(text)}

    assert {name for name in icons if f'id="{name}"' not in sprite} == set()
    assert {name for name in STATIC_TAG.findall(text) if not finders.find(name)} == set()


def test_own_styles_balance_their_braces():
    styles = [path.read_text() for path in OWN_ASSETS if path.suffix == ".css"]

    assert [text.count("{") - text.count("}") for text in styles] == [0] * len(styles)
