"""Triggers that keep a published protocol version as it was, and all that hangs off it; raw SQL is refused too."""

import pgtrigger

FROZEN = "protocolversion_is_frozen_once_published"

_REFUSE = f"""
    RAISE EXCEPTION 'A published protocol version cannot be changed.'
    USING ERRCODE = 'check_violation', CONSTRAINT = '{FROZEN}', TABLE = TG_TABLE_NAME;
"""


def frozen_itself() -> pgtrigger.Trigger:
    """Of the version: once it left draft, only published -> retired passes, and nothing else changes with it."""
    return pgtrigger.Trigger(
        name="is_frozen_once_published",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF OLD.state = 'draft' THEN
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                RETURN NEW;
            END IF;
            IF TG_OP = 'UPDATE'
                AND (OLD.state = NEW.state OR (OLD.state = 'published' AND NEW.state = 'retired'))
                AND to_jsonb(NEW) - 'state' - 'retired_at' = to_jsonb(OLD) - 'state' - 'retired_at'
                AND (OLD.state <> NEW.state OR OLD.retired_at IS NOT DISTINCT FROM NEW.retired_at)
            THEN RETURN NEW; END IF;
            {_REFUSE}
        """,
    )


def keeps_its_visit() -> pgtrigger.Trigger:
    """Of the protocol: what running series book, who may treat and what is treated, once a version was published.

    Its name and whether it is offered may change. Whoever publishes a version meanwhile is awaited.
    """
    return pgtrigger.Trigger(
        name="keeps_its_visit",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (OLD.modality, OLD.service_id, OLD.indication_id)
                IS NOT DISTINCT FROM (NEW.modality, NEW.service_id, NEW.indication_id) THEN
                RETURN NEW;
            END IF;
            PERFORM 1 FROM treatments_protocolversion WHERE protocol_id = OLD.id ORDER BY id FOR SHARE;
            IF EXISTS (SELECT 1 FROM treatments_protocolversion WHERE protocol_id = OLD.id AND state <> 'draft') THEN
                {_REFUSE}
            END IF;
            RETURN NEW;
        """,  # noqa: S608 (the text is our own)
    )


def frozen_with_its_version(versions: str = "OLD.version_id, NEW.version_id") -> pgtrigger.Trigger:
    """Of a row that is part of a version: written only while that version (old and new) is a draft.

    The version is locked FOR SHARE first, so that a row cannot slip in while somebody publishes.
    """
    return pgtrigger.Trigger(
        name="is_frozen_with_its_version",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("versions", "bigint[]")],
        # The text is the caller's own column names, never input.
        func=f"""
            versions := ARRAY[{versions}];
            PERFORM 1 FROM treatments_protocolversion WHERE id = ANY (versions) ORDER BY id FOR SHARE;
            IF EXISTS (SELECT 1 FROM treatments_protocolversion WHERE id = ANY (versions) AND state <> 'draft') THEN
                {_REFUSE}
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,  # noqa: S608 (names of our own tables only)
    )
