"""The promises under attack: real processes on a throw-away database, clients released together.

Each proof gives one row: what was tried, what was lost, doubled or leaked, and whether it bites (`teeth`): with the
protection taken away in a copy, the same attack must find the fault. Nothing in the product can be switched off; the
harness takes protections away from outside (`toothless`, dropped constraints).
"""
