"""The one statement of each floor, also run bare on a prepared connection."""

# By the index over (resource, start): nothing is longer than twelve hours.
CLAIMS = """
    SELECT resource_id, date_part('epoch', starts_at)::bigint / 60, date_part('epoch', ends_at)::bigint / 60
    FROM clinic_claim WHERE resource_id = ANY(%s) AND live
    AND starts_at >= %s::timestamptz - interval '12 hours' AND starts_at < %s
"""
BOOK_SIX = """
    INSERT INTO bench_visit (practitioner, patient, starts_at, ends_at)
    SELECT %s, %s, starts_at, starts_at + interval '45 minutes' FROM unnest(%s::timestamptz[]) starts_at
"""
BOOK = "INSERT INTO bench_visit (practitioner, patient, starts_at, ends_at) VALUES (%s, %s, %s, %s)"
