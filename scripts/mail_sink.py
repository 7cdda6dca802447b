"""An SMTP server that delivers nothing: every mail becomes an .eml file. `python -m scripts.mail_sink PORT FOLDER`."""

import asyncio
import email
import email.policy
import secrets
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Keeps each mail in a file with a random name and prints one line about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep one mail; the file appears only when it is whole."""
        file = self.folder / f"{secrets.token_hex(8)}.eml"
        fresh = file.with_suffix(".new")
        fresh.write_bytes(envelope.original_content)
        fresh.rename(file)
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        print(f"to {', '.join(envelope.rcpt_tos)}: {message['subject']} -> {file.name}", flush=True)
        return "250 Kept"


async def serve(port: int, folder: Path) -> None:
    """Take mail until the process ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sink = Sink(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True), "127.0.0.1", port)
    print(f"keeping mail in {folder}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
