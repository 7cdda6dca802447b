"""An invented clinic to look at and to test with: the same people and visits every time, around the day it is made.

Nobody in it exists. Rooms, hours and logins are written as rows; every patient, series and visit comes through the
verbs that the desk uses, so the demo can hold nothing that the product would refuse.
"""

from clinic.demo.filling import Summary, fill
from clinic.demo.portal_people import logins as portal_logins
from clinic.demo.premises import LOGINS, PASSWORD

__all__ = ["LOGINS", "PASSWORD", "Summary", "fill", "portal_logins"]
