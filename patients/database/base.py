"""Each request asks whether the connection that it was given still stands; most need not ask the server."""

import select

from django.db.backends.postgresql import base
from psycopg2 import extensions


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, which asks the server only when something has arrived on the idle connection.

    Nothing arrives while nothing was asked, but for the end of the connection: a server that stops or is killed
    closes it, which makes it readable.
    """

    def is_usable(self) -> bool:
        """Whether the connection stands and has no broken transaction."""
        return self._is_silent() or super().is_usable()

    def _is_silent(self) -> bool:
        """Whether it is idle and its socket has nothing to say."""
        kept = self.connection
        if kept is None or kept.closed or kept.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            return False
        waiting = select.poll()
        waiting.register(kept.fileno(), select.POLLIN)
        return not waiting.poll(0)
