"""The local supervisor: what `./run` starts, how it stops, and the servers that tests and proofs get.

Nothing in the product imports this package. `./run` enters at `__main__`; tests import `scripts.stack`.
"""
