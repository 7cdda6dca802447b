"""A newer version of the desk's protocol, put into use; what is to be different is given."""

from tests.factories import NOW, user
from treatments import drafting, protocols
from treatments.models import DepthStep, Phase, VersionSegment


def newer_draft(version, *, interval=None, minutes=None, area=None, technique=None, **details):
    """A draft of the version with other days between sessions (least, ideal, most), minutes, one more area, fields."""
    draft = drafting.new_draft(version, by=user("administrator"))
    if interval:
        names = ("interval_min_days", "interval_ideal_days", "interval_max_days")
        Phase.objects.filter(version=draft).update(**dict(zip(names, interval, strict=True)))
    if minutes:
        VersionSegment.objects.filter(version=draft).update(base_minutes=minutes)
    if area:
        depths = {"depth_min_mm": "0.5", "depth_max_mm": "1.0"}
        DepthStep.objects.create(version=draft, area=area, technique=technique, **depths)
    for name, value in details.items():
        setattr(draft, name, value)
    draft.save()
    return draft


def put_into_use(draft):
    return protocols.publish(draft, by=user("clinical lead"), now=NOW)


def newer(version, **details):
    return put_into_use(newer_draft(version, **details))
