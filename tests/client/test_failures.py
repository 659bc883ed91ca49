# SPDX-License-Identifier: Apache-2.0
"""What goes wrong there is the same kind of error here, in the same words."""

import http.server
import io
import socket
import threading
import zipfile

import pytest

from entrances.api.house import ROW
from modelward import errors
from modelward.access import Role
from modelward.client import AddressError, Client, StrangeAnswerError, UnreachableError
from modelward.client.archive import unpack
from modelward.errors import (
    ConflictError,
    InvalidError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)


def test_each_kind_comes_back_as_itself_with_its_words(house, server, remote, officer):
    here = house.platform
    cases = [
        (NotFoundError, lambda: remote.registry.find("nobody:1"), lambda: here.registry.find("nobody:1", by=house.by)),
        (ConflictError, lambda: remote.releases.promote("r-1"), lambda: here.releases.promote("r-1", by=house.by)),
        (ConflictError, lambda: [remote.access.add_user("twin", role=Role.AUDITOR) for _ in range(2)], None),
        (RefusedError, lambda: officer.access.keys(), None),
        (RefusedError, lambda: remote.releases.propose(house.register("unmeasured"), policy="default"), None),
        (InvalidError, lambda: remote.serving.predict("income", [{"age": "x"}]), None),
        (TooLargeError, lambda: remote.serving.predict("income", [ROW] * 65), None),
        (TooLargeError, lambda: remote.serving.predict("income", [{**ROW, "sector": "x" * 70_000}]), None),
        (NotFoundError, lambda: remote.serving.predict("nobody", [ROW]), None),
    ]
    for kind, act, same in cases:
        with pytest.raises(kind) as raised:
            act()
        assert type(raised.value) is kind
        if same is not None:
            with pytest.raises(kind) as expected:
                same()
            assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize("verb", ["report", "page"])
@pytest.mark.parametrize("name", ["nobody:1", "income:9"])
def test_a_version_that_is_not_there_is_not_taken_for_one_without_a_report(house, remote, verb, name):
    assert getattr(remote.assessment, verb)("income:1") is None
    with pytest.raises(NotFoundError) as there:
        getattr(remote.assessment, verb)(name)
    with pytest.raises(NotFoundError) as here:
        getattr(house.platform.assessment, verb)(name, by=house.by)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize("key", ["", "mw_nonsense"])
def test_no_key_and_a_wrong_key_are_nobody_we_know(server, key):
    with Client(server.url, key=key) as nobody:
        for act in (nobody.access.whoami, lambda: nobody.serving.predict("income", [ROW])):
            with pytest.raises(UnauthenticatedError):
                act()


@pytest.mark.parametrize("key", ["mw_ключ", "mw_a\nb", "mw_a\x00"])
def test_a_key_that_cannot_be_one_is_not_sent(server, key):
    with pytest.raises(AddressError, match="begins with mw_"):
        Client(server.url, key=key)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://host:port", "http://a\nb"])
def test_an_address_that_cannot_be_one_is_named(url):
    with pytest.raises(AddressError, match="is no address"):
        Client(url, key="mw_x")


def test_an_address_that_leads_nowhere_is_said_so():
    with Client("http://[half", key="mw_x") as nowhere, pytest.raises(UnreachableError, match=r"Nothing answers at http://\[half"):
        nowhere.access.whoami()


def test_a_service_without_tls_is_not_taken_for_a_missing_one(server):
    with Client(server.url.replace("http:", "https:"), key="mw_x") as client, pytest.raises(UnreachableError, match="no TLS"):
        client.access.whoami()


def test_nobody_at_the_address_is_said_so():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = pytest.raises(UnreachableError, match=r"^Nothing answers at http://127.0.0.1:\d+. Is `modelward serve`")
        with Client(f"http://127.0.0.1:{free.getsockname()[1]}", key="mw_x") as client, nobody:
            client.access.whoami()


class Stranger(http.server.BaseHTTPRequestHandler):
    """Some other web server."""

    answer = (200, b"<html>welcome</html>")

    def do_GET(self):
        status, body = self.answer
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said):
        pass


@pytest.fixture
def stranger():
    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        with Client(f"http://127.0.0.1:{other.server_port}", key="mw_x") as client:
            yield client
        other.shutdown()
        thread.join()


def test_another_service_is_recognised_as_no_modelward(stranger, monkeypatch, tmp_path):
    with pytest.raises(StrangeAnswerError, match="Check the address"):
        stranger.access.whoami()
    with pytest.raises(StrangeAnswerError, match="not the archive"):
        stranger.auditing.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"<html>", ModelwardError),
        (418, b"{}", InvalidError),
        (502, b"bad gateway", UnavailableError),
        (503, b'{"error":"busy"}', UnavailableError),
        (503, b'{"detail":"install it","kind":"PrerequisiteError"}', PrerequisiteError),
        (400, b'{"detail":"large","kind":"TooLargeError"}', TooLargeError),
        (400, b'{"detail":"x","kind":"__builtins__"}', InvalidError),
        (400, b'{"detail":"x","kind":7}', InvalidError),
        (400, b"[]", InvalidError),
    ],
)
def test_a_failure_of_any_kind_is_an_error_of_ours(stranger, monkeypatch, status, body, kind):
    monkeypatch.setattr(Stranger, "answer", (status, body))
    with pytest.raises(ModelwardError) as raised:
        stranger.access.whoami()
    assert type(raised.value) is kind


def test_every_kind_can_come_back(stranger, monkeypatch):
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) == 10
    for kind in kinds:
        monkeypatch.setattr(Stranger, "answer", (400, f'{{"detail":"d","kind":"{kind.__name__}"}}'.encode()))
        with pytest.raises(kind) as raised:
            stranger.access.whoami()
        assert type(raised.value) is kind


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
def test_an_archive_cannot_write_outside_of_its_folder(tmp_path, name):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("fine.txt", "fine")
        archive.writestr(name, "not fine")
    with pytest.raises(StrangeAnswerError, match="leads out of its folder"):
        unpack(sink.getvalue(), tmp_path / "inner")
    assert list(tmp_path.rglob("*")) == []
