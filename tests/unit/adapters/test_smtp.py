"""Email through a mail server, over real sockets against a fake one that fails at every stage."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from keepwell.adapters.smtp import Server, Smtp
from keepwell.contracts.delivery import Accepted, Attachment, CannotSay
from keepwell.errors import KeepwellError, NoMailboxError, SendRefusedError, SendUnknownError
from keepwell.message_ids import KEY_HEADER, keys_in
from tests.fakes.smtp import PASSWORD, USER, FakeSmtp, Stage
from tests.unit.adapters.messages import AMPLE, KEY, PATIENT, SHORT, closed_port, email, full_queue, person

BEFORE: tuple[Stage, ...] = ("connect", "ehlo", "mail", "rcpt", "data", "content")
"""Stages at which nothing was handed over yet."""


@pytest.fixture
def fake() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


def adapter(fake: FakeSmtp, deadline: timedelta = PATIENT, **server: Any) -> Smtp:
    given = {"host": "127.0.0.1", "port": fake.port, "security": "none", **server}
    return Smtp(Server(**given), deadline=deadline)


def refused(sender: Smtp, **fields: Any) -> SendRefusedError:
    with pytest.raises(SendRefusedError) as caught:
        sender.send(email(**fields))
    return caught.value


def unknown(sender: Smtp) -> SendUnknownError:
    with pytest.raises(SendUnknownError) as caught:
        sender.send(email())
    return caught.value


def test_the_message_arrives_as_it_was_meant(fake: FakeSmtp) -> None:
    unsubscribe = f"https://keepwell.example/preferences/{'x' * 150}"
    sent = email(
        reply_to="r+abc@replies.brightdesk.example",
        unsubscribe_url=unsubscribe,
        text="Dear Pat\n.\n..and more\n",
    )
    accepted = adapter(fake).send(sent)
    [mail] = fake.accepted
    got = mail.message
    assert (mail.sender, mail.recipients) == ("erin@brightdesk.example", ("pat@acme.example",))
    assert str(got["From"]) == '"Erin Cole, CEO" <erin@brightdesk.example>'
    assert str(got["To"]) == "Pat Person <pat@acme.example>"
    assert str(got["Subject"]) == "Grüße: your plan"
    assert str(got["Reply-To"]) == "r+abc@replies.brightdesk.example"
    assert f"\r\nList-Unsubscribe: <{unsubscribe}>\r\n".encode() in mail.raw
    assert str(got["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert got["Date"] is not None
    assert [part.get_content_type() for part in got.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/html",
    ]
    plain, page = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().replace("\r\n", "\n") == "Dear Pat\n.\n..and more\n"
    assert page.get_content().strip() == "<p>Dear Pat</p>"
    [plan] = got.iter_attachments()
    assert (plan.get_filename(), plan.get_content().strip()) == ("plan.html", "<p>Pläne</p>")
    assert accepted == Accepted(provider="smtp", provider_id=str(got["Message-ID"]))


def test_a_plain_message_arrives_too(fake: FakeSmtp) -> None:
    adapter(fake).send(
        email(html="", attachments=(), sender_name="", recipient=person("", "pat@acme.example"))
    )
    assert fake.accepted[0].message.get_content_type() == "text/plain"
    assert "List-Unsubscribe" not in fake.accepted[0].message


def test_the_id_is_the_same_each_time_and_says_which_message_it_is(fake: FakeSmtp) -> None:
    sender = adapter(fake)
    assert sender.send(email()) == sender.send(email())
    first, second = (str(one.message["Message-ID"]) for one in fake.accepted)
    assert first == second
    assert keys_in(f"<elsewhere@acme.example> {first}") == [KEY]
    assert fake.counts() == {KEY: 2}
    assert str(fake.accepted[0].message[KEY_HEADER]) == KEY


@pytest.mark.parametrize("stage", BEFORE)
@pytest.mark.parametrize("how", [{"close": True}, {"hang": True}], ids=str)
def test_what_is_lost_before_the_final_dot_was_surely_not_taken(
    stage: Stage, how: dict[str, Any], fake: FakeSmtp
) -> None:
    """The whole message is bigger than the buffers, so that hanging up meets us while we still send."""
    fake.upset(stage, **how)
    big = Attachment(filename="plan.html", media_type="text/html", content="x" * 12_000_000)
    began = time.monotonic()
    error = refused(adapter(fake, SHORT if "hang" in how else PATIENT), attachments=(big,))
    assert time.monotonic() - began < 30
    assert error.retryable
    assert fake.counts() == {}


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("words", ["421 4.3.2 Closing", "451 4.7.1 Greylisted", "452 4.2.2 Full"])
def test_later_is_taken_for_later(stage: Stage, words: str, fake: FakeSmtp) -> None:
    fake.upset(stage, say=words)
    error = refused(adapter(fake))
    assert error.retryable
    assert words in error.message
    assert fake.counts() == {}


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("words", ["550 5.7.1 Not you", "554 5.7.0 Never", "552 5.3.4 Too big"])
def test_a_no_for_good_is_one(stage: Stage, words: str, fake: FakeSmtp) -> None:
    fake.upset(stage, say=words)
    error = refused(adapter(fake))
    assert not error.retryable
    assert not isinstance(error, NoMailboxError)
    assert words in error.message
    assert fake.counts() == {}


@pytest.mark.parametrize(
    "words", ["550 5.1.1 User unknown", "550-5.1.1 No such\r\n550 5.1.1 user", "556 5.1.10 Null MX"]
)
def test_a_mailbox_that_is_not_there_is_named(words: str, fake: FakeSmtp) -> None:
    fake.upset("rcpt", say=words)
    error = refused(adapter(fake))
    assert isinstance(error, NoMailboxError)
    assert (error.address, error.retryable) == ("pat@acme.example", False)


@pytest.mark.parametrize("stage", ["mail", "dot"])
def test_that_code_says_nothing_of_the_mailbox_elsewhere(stage: Stage, fake: FakeSmtp) -> None:
    fake.upset(stage, say="550 5.1.1 Whatever")
    assert not isinstance(refused(adapter(fake)), NoMailboxError)


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    "how",
    [
        {"close": True},
        {"hang": True},
        {"say": "what?"},
        {"say": "354 go on"},
        {"say": "250 ok", "per_byte": 1.5},
    ],
    ids=str,
)
def test_what_is_lost_after_the_final_dot_nobody_knows(
    how: dict[str, Any], taken: bool, fake: FakeSmtp
) -> None:
    fake.upset("dot", accepts=taken, **how)
    silent = {"hang", "per_byte"} & how.keys()
    error = unknown(adapter(fake, AMPLE if silent else PATIENT))
    assert error.retryable
    assert "nobody knows" in error.message
    assert len([one for one in fake.commands if one == "DATA"]) == 1, "nothing tries again"


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail"])
def test_the_deadline_is_one_for_the_whole_talk(stage: Stage, fake: FakeSmtp) -> None:
    """Also where each byte comes in time."""
    fake.upset(stage, say="250 a long answer that comes slowly", per_byte=0.05)
    began = time.monotonic()
    assert refused(adapter(fake, SHORT)).retryable
    assert 0.5 < time.monotonic() - began < 30


def test_the_provider_cannot_say(fake: FakeSmtp) -> None:
    assert isinstance(adapter(fake).find(KEY, "pat@acme.example"), CannotSay)


def test_a_server_that_is_not_there_has_surely_not_taken_it() -> None:
    with closed_port() as port:
        error = refused(Smtp(Server("127.0.0.1", port, "none"), deadline=PATIENT))
    assert error.retryable
    assert "cannot be reached" in error.message
    with full_queue() as port:
        assert refused(Smtp(Server("127.0.0.1", port, "none"), deadline=SHORT)).retryable


def test_we_sign_in_where_we_are_asked_to() -> None:
    with FakeSmtp(sign_in=True) as fake:
        adapter(fake, user=USER, password=SecretStr(PASSWORD)).send(email())
        assert fake.counts() == {KEY: 1}
        error = refused(adapter(fake))
        assert (error.retryable, "530 5.7.0" in error.message) == (False, True)


def test_a_wrong_password_is_refused_by_name_and_not_shown() -> None:
    with FakeSmtp(sign_in=True) as fake:
        error = refused(adapter(fake, user=USER, password=SecretStr("not-the-password")))
        assert not error.retryable
        assert "KEEPWELL_SMTP_PASSWORD" in error.message
        chain: BaseException | None = error
        while chain is not None:
            assert "not-the-password" not in f"{chain} {chain!r}"
            chain = chain.__cause__
        fake.upset("auth", say="454 4.7.0 Later")
        assert refused(adapter(fake, user=USER, password=SecretStr(PASSWORD))).retryable


def test_a_server_without_signing_in_is_not_given_the_password(fake: FakeSmtp) -> None:
    error = refused(adapter(fake, user=USER, password=SecretStr(PASSWORD)))
    assert not error.retryable
    assert not [one for one in fake.commands if one.startswith("AUTH")]


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A context for a server on this machine, and one for clients that know its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))


Certified = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_way_is_encrypted(security: str, certified: Certified) -> None:
    with FakeSmtp(tls=certified[0], implicit=security == "tls", sign_in=True) as fake:
        sender = adapter(
            fake,
            host="localhost",
            security=security,
            tls=certified[1],
            user=USER,
            password=SecretStr(PASSWORD),
        )
        sender.send(email())
        assert fake.counts() == {KEY: 1}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_nothing(security: str, certified: Certified) -> None:
    with FakeSmtp(tls=certified[0], implicit=security == "tls", sign_in=True) as fake:
        sender = adapter(fake, host="localhost", security=security, user=USER, password=SecretStr(PASSWORD))
        assert refused(sender).retryable
        assert not [one for one in fake.commands if one.startswith(("AUTH", "MAIL"))]


def test_without_the_encryption_asked_for_nothing_is_said(fake: FakeSmtp) -> None:
    error = refused(adapter(fake, security="starttls", user=USER, password=SecretStr(PASSWORD)))
    assert not error.retryable
    assert "KEEPWELL_SMTP_SECURITY" in error.message
    assert not [one for one in fake.commands if one.startswith(("AUTH", "MAIL"))]


def test_names_and_subjects_cannot_begin_a_header(fake: FakeSmtp) -> None:
    evil = "Pat\r\nBcc: all@acme.example"
    adapter(fake).send(
        email(subject=evil, sender_name=evil, recipient=person(evil, "pat@acme.example"), attachments=())
    )
    [mail] = fake.accepted
    assert mail.message["Bcc"] is None
    assert mail.recipients == ("pat@acme.example",)
    assert b"\r\nBcc:" not in mail.raw


@pytest.mark.parametrize(
    "address",
    ["pat@acme.example>\r\nRCPT TO:<all@acme.example", "pat", "", "pat @acme.example", "a@b@c.example\n"],
)
def test_what_is_no_address_is_not_said(address: str, fake: FakeSmtp) -> None:
    error = refused(adapter(fake), recipient=person("Pat", address))
    assert not error.retryable
    assert fake.commands == []


def test_letters_of_other_alphabets(fake: FakeSmtp) -> None:
    adapter(fake).send(email(recipient=person("Jörg", "info@münchen.example")))
    assert fake.accepted[0].recipients == ("info@xn--mnchen-3ya.example",)
    adapter(fake).send(email(recipient=person("Jörg", "jörg@acme.example")))
    assert fake.accepted[1].recipients == ("jörg@acme.example",)
    with FakeSmtp(offers=()) as plain:
        assert not refused(adapter(plain), recipient=person("Jörg", "jörg@acme.example")).retryable


def test_signing_in_can_be_tried(fake: FakeSmtp) -> None:
    adapter(fake).sign_in()
    assert fake.commands[0].startswith("EHLO ")
    assert fake.counts() == {}
    fake.upset("ehlo", say="554 5.7.1 Go away")
    with pytest.raises(KeepwellError, match="Go away"):
        adapter(fake).sign_in()
