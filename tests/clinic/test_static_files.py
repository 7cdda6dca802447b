"""The addresses of static files."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

from clinic.static_files import Storage


def test_the_address_of_a_file_is_worked_out_once(monkeypatch):
    work_out, asked = CompressedManifestStaticFilesStorage.url, []

    def count(self, name, force=False):
        asked.append(name)
        return work_out(self, name, force)

    monkeypatch.setattr(CompressedManifestStaticFilesStorage, "url", count)
    storage = Storage()

    addresses = [storage.url("cadence.js"), storage.url("cadence.css"), storage.url("cadence.js")]

    assert addresses[0] == addresses[2] != addresses[1]
    assert "cadence." in addresses[0]
    assert addresses[0].endswith(".js")
    assert asked == ["cadence.js", "cadence.css"]
