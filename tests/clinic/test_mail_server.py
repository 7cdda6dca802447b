"""The connection to the mail server: signing in, and what its refusals mean."""

import socket
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from clinic import mail_server
from clinic.mail_server import Answer, MailServer, Unreachable


class Choosy:
    """Takes mail for everybody but `nobody@…`, and from nobody who writes as `banned@…`."""

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's
        if address.startswith("banned"):
            return "553 You are banned"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's
        if address.startswith("nobody"):
            return "550 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's
        return "250 Kept"


class Guarded(Controller):
    def factory(self):
        def check(server, session, envelope, mechanism, given):
            return AuthResult(success=(given.login, given.password) == (b"clinic", b"secret"), handled=False)

        return SMTP(self.handler, authenticator=check, auth_require_tls=False, hostname="localhost")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def config():
    controller = Guarded(Choosy(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": controller.port,
        "EMAIL_HOST_USER": "clinic",
        "EMAIL_HOST_PASSWORD": "secret",
    }
    controller.stop(no_assert=True)


def mail(sender="clinic@mail.example", to="ada@mail.example"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Hello"
    message.set_content("Hello")
    return message


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (mail(), Answer("250", is_accepted=True)),
        (mail(to="nobody@mail.example"), Answer("550 No such user")),
        (mail(sender="banned@mail.example"), Answer("553 You are banned")),
    ],
)
def test_send_tells_what_the_server_said(config, message, answer):
    with MailServer(config) as server:
        server.connect()

        assert server.send(message) == answer


def test_send_says_when_the_server_cannot_take_the_address(config):
    with MailServer(config) as server:
        server.connect()

        answer = server.send(mail(to="zażółć@mail.example"))

    assert (answer.is_accepted, answer.is_answered) == (False, True)


def test_one_connection_serves_many_mails(config):
    with MailServer(config) as server:
        server.connect()
        first = server._smtp
        server.send(mail())
        server.connect()

        assert server._smtp is first


def test_connect_says_that_a_wrong_password_was_refused(config):
    with MailServer({**config, "EMAIL_HOST_PASSWORD": "wrong"}) as server, pytest.raises(Unreachable, match=r"^535 "):
        server.connect()


@pytest.mark.parametrize("wish", ["EMAIL_USE_TLS", "EMAIL_USE_SSL"])
def test_connect_does_not_go_on_without_the_encryption_that_was_asked_for(config, wish, monkeypatch):
    monkeypatch.setattr(mail_server, "TIMEOUT_SECONDS", 0.5)

    with MailServer({**config, wish: True}) as server, pytest.raises(Unreachable):
        server.connect()
