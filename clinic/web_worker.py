"""How a process of the web takes connections: those that it cannot serve at once are left to the others."""

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    """Takes new connections while one of its threads is free; gunicorn's own takes all that come first, and queues.

    Of fifty requests at once one process had up to three times as many as the other, which then had nothing to do.
    """

    @property
    def worker_connections(self) -> int:
        """How many connections may be open: one for each thread, and those that rest between two requests."""
        resting = len(self.keepalived_conns) + len(self.pending_conns)
        return min(self._most, self.cfg.threads + resting)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most
