"""What may be done to whom, with what, how deep and how often: the rules, the protocols and the series made of them.

Owns the catalogue (areas and techniques with limits, ingredients, contraindications), what can be booked, protocols
with their versions, and each patient's treatment series. It imports `patients` and never `clinic`: it knows no diary
and no message. Caps and blocks are live; texts, doses, depths and intervals are frozen in a published version. Every
change of a rule bumps `CatalogueRevision`, by which the diary above finds what to check again. Writers: `catalogue`
(loads the shipped starter data), `drafting` (makes and edits drafts), `protocols` (publishes and retires), `series`
(starts and moves on); `safety` and `windows` only read.
"""
