"""Other times for a patient's visits, kept until a deadline: proposed, answered, or agreed at once by phone.

Each verb is one transaction that takes the locks of the patient and of all people, rooms and devices concerned before
it looks at the proposal. Verbs raise what `booking.move_together` raises: `Taken` names the times that are gone,
`Conflict` says that somebody else answered first; after any of them nothing was written.
"""

from clinic.booking.proposal_rows import LONGEST
from clinic.proposals.answers import accept, ask_for_another, ask_for_call, pick, withdraw
from clinic.proposals.making import PROPOSE, USUAL, agreed, propose
from clinic.proposals.picking import gone, others
from clinic.proposals.reading import as_it_is, changes_of, from_reflow, is_overtaken, listed, open_for

__all__ = [
    "LONGEST", "PROPOSE", "USUAL", "accept", "agreed", "as_it_is", "ask_for_another", "ask_for_call", "changes_of",
    "from_reflow", "gone", "is_overtaken", "listed", "open_for", "others", "pick", "propose", "withdraw",
]  # fmt: skip
