"""Become a command that the kernel signals when its parent ends: `leash.py SIGNAL PARENT USER COMMAND…`.

A supervisor that is killed cannot stop its children; this does it on Linux. USER is empty or the account to become
(PostgreSQL refuses to run as root). It runs as a file of its own, because code between fork and exec may deadlock.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Give up root if asked, tie this process to its parent, and turn into the command."""
    stop_signal, parent, user, *command = sys.argv[1:]
    if user:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        os.chdir("/")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(stop_signal))
    if os.getppid() != int(parent):
        sys.exit("The supervisor ended before its child began.")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
