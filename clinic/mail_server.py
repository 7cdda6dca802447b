"""One kept connection to the mail server of settings.SMTP, and what its answers mean."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage

TIMEOUT_SECONDS = 10
CODE_OK = 250


class Unreachable(Exception):
    """No connection: nothing can have been sent."""


@dataclass(frozen=True)
class Answer:
    """What the server said to one message. Not answered means that nobody knows whether it was taken."""

    text: str
    is_accepted: bool = False
    is_answered: bool = True


class MailServer:
    """Connects when first needed, again after a loss, and hangs up at the end of the `with` block."""

    def __init__(self, config: Mapping[str, object]) -> None:
        self._config = config
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *details: object) -> None:
        self._hang_up()

    def connect(self) -> None:
        """Make sure that somebody listens; raises `Unreachable`."""
        try:
            if self._smtp is None or self._smtp.noop()[0] != CODE_OK:
                self._hang_up()
                self._smtp = self._dial()
        except OSError:  # smtplib's errors are OSErrors too
            self._hang_up()
            try:
                self._smtp = self._dial()
            except OSError as error:
                raise Unreachable(_said(error)) from error

    def send(self, message: EmailMessage) -> Answer:
        """Hand over one message on the connection that `connect` made."""
        try:
            self._smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            return Answer("; ".join(_words(*refusal) for refusal in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return Answer(_words(error.smtp_code, error.smtp_error))
        except smtplib.SMTPNotSupportedError as error:
            return Answer(str(error))
        except OSError as error:
            self._hang_up()
            return Answer(_said(error), is_answered=False)
        return Answer("250", is_accepted=True)

    def _dial(self) -> smtplib.SMTP:
        config = self._config
        host, port = config["EMAIL_HOST"], config["EMAIL_PORT"] or 0
        if config.get("EMAIL_USE_SSL"):
            smtp = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            if config.get("EMAIL_USE_TLS"):
                smtp.starttls(context=ssl.create_default_context())
            if config.get("EMAIL_HOST_USER"):
                smtp.login(config["EMAIL_HOST_USER"], config["EMAIL_HOST_PASSWORD"] or "")
        except OSError:
            smtp.close()
            raise
        return smtp

    def _hang_up(self) -> None:
        if self._smtp is not None:
            with contextlib.suppress(OSError):
                self._smtp.quit()
            self._smtp.close()
        self._smtp = None


def _words(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {text}"


def _said(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
