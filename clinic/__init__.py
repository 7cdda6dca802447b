"""The diary, and the Django project.

Owns locations, the resources that can be booked, appointments and their claims, tasks and messages. It sits on top:
it may import `treatments` and `patients`; neither may import it, because booking must not be able to skip safety.
Only `clinic.booking` writes appointments and claims; only `clinic.reminders` plans messages and only
`clinic.outbox` sends them.
"""

from clinic.celery import app as celery_app

__all__ = ["celery_app"]
