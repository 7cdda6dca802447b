"""The whole course of a patient, placed in the diary at once. `clinic.booking.book_plan` writes it.

`plan` finds, for all open sessions of one series together, the starts that are nearest to the best days and to what the
patient wishes; `alternatives` and `why_not_earlier` answer questions about one of them; `keep` keeps the wishes.
`reflow` finds the least change of what is booked when it no longer fits. `search` is the arithmetic,
`ground` what is read for it: a number of statements that does not depend on days, people or sessions.
"""

from clinic.scheduling.answers import alternatives, why_not_earlier
from clinic.scheduling.planner import as_shown, plan, replanned
from clinic.scheduling.plans import Chosen, Plan, PlannedVisit
from clinic.scheduling.reflow import Reflow, ReflowVisit, reflow
from clinic.scheduling.wishing import Wish, keep

__all__ = [
    "Chosen", "Plan", "PlannedVisit", "Reflow", "ReflowVisit", "Wish", "alternatives", "as_shown", "keep", "plan",
    "reflow", "replanned", "why_not_earlier",
]  # fmt: skip
