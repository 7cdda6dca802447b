"""People and what must be known about them before anything is done to them.

Owns logins, patients, their history, allergies and consents, and the record of who looked. It is the lowest app:
it imports neither `treatments` nor `clinic`, and no foreign key of its points there. Medical facts are appended, never
edited; every change of one bumps `Patient.safety_revision`, by which the diary above finds what to check again.
Writers: `registration` (patients), `history` (answers, allergies, measurements), `consents`, `submissions`, `audit`.
"""
