# SPDX-License-Identifier: Apache-2.0
"""Over TLS the doors answer whom they should, and nobody else; who never finishes a handshake is let go."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time

import grpc
import httpx
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import Process, body, build
from entrances.asking import until
from entrances.certificates import Authority
from entrances.triton import free_port
from entrances.wire import PREDICT, Line
from modelward.access import Role
from modelward.client import Client, Plan, Trust
from modelward.entrances.tls import TlsFileError, certificate_checks, tls_of
from modelward.settings import Settings, variable

RECEIVE_SECONDS = 1.0
# How a client of HTTP/2 begins, with no wishes.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
# uvloop ends a handshake that fails without the alert that would say why.
BY_THE_SERVER = "UNEXPECTED_EOF|ALERT"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def house(folder):
    built = build(folder)
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def stranger(folder):
    """An authority that nobody here trusts."""
    return Authority(folder)


def faults_told(running: Process) -> list[dict]:
    """The lines of its log that tell of a fault, or warn."""
    told = [json.loads(line) for line in running.errors().splitlines()]
    return [line for line in told if line["level"] in {"error", "warning"}]


def well(running: Process) -> None:
    """It ends in good order, and said of nothing that it was a fault."""
    assert running.end() == 0
    assert faults_told(running) == []


@pytest.fixture(scope="module")
def server(house, authority):
    """A process whose certificate the authority signed."""
    with Process(house.settings.home, receive_timeout_seconds=RECEIVE_SECONDS, **authority.issue().settings) as running:
        yield running
        well(running)


@pytest.fixture(scope="module")
def mutual(house, authority):
    """One that asks clients for a certificate of the same authority."""
    port = free_port()
    more = {"tls_client_ca": authority.file, "grpc_port": port, "receive_timeout_seconds": RECEIVE_SECONDS}
    with Process(house.settings.home, **more, **authority.issue().settings) as running:
        running.rpc = f"localhost:{port}"
        yield running
        well(running)


def trusting(authority, shown=None) -> ssl.SSLContext:
    """What a client has that trusts the authority, and may have a certificate to show."""
    context = ssl.create_default_context(cafile=authority.file)
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    return context


def client(running, context, key="") -> httpx.Client:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=running.url, headers=headers, timeout=30, verify=context)


@contextlib.contextmanager
def handshake(running, context, *, port=None):
    """A connection that begins with one."""
    with (
        socket.create_connection(("127.0.0.1", port or running.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        yield line


@contextlib.contextmanager
def opened(port):
    """A connection on which nothing was said yet."""
    line = Line(port)
    yield line
    line.drop()


def shown_by(running, authority, *, port=None) -> bytes:
    """The certificate that the server shows to a new connection, at the port of gRPC if it is given."""
    context = trusting(authority)
    if port is not None:
        context.set_alpn_protocols(["h2"])
    with handshake(running, context, port=port) as line:
        return line.getpeercert(binary_form=True)


def answers_all(http: httpx.Client) -> None:
    """A question, the console and the metrics."""
    assert http.post(PREDICT, content=body()).json()["model"] == "income"
    assert "modelward_requests_total" in http.get("/metrics").text
    assert http.get("/console/sign-in").status_code == 200


def test_a_client_that_trusts_the_authority_is_answered_at_every_door(server, house, authority):
    assert server.url.startswith("https://")
    with client(server, trusting(authority), house.key(Role.ADMINISTRATOR)) as http:
        answers_all(http)
        rows = [{"age": 40, "hours": 38.0, "sector": "public"}] * 64
        assert len(http.post(PREDICT, content=body(rows)).json()["predictions"]) == 64


def test_a_cookie_of_the_console_leaves_by_tls_alone(server, authority):
    with client(server, trusting(authority)) as http:
        set_cookie = http.get("/console/sign-in").headers["set-cookie"].lower()
    assert "; secure" in set_cookie
    assert "; httponly" in set_cookie


def test_a_client_that_does_not_trust_the_authority_goes_away(server, stranger):
    with client(server, trusting(stranger)) as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http.get("/livez")


def test_plain_http_is_told_nothing(server, house, authority):
    with opened(server.port) as line:
        line.send(f"GET /livez HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {house.key()}\r\n\r\n".encode())
        assert line.answer() is None
    with client(server, trusting(authority)) as http:
        assert http.get("/livez").status_code == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("newest", "is_taken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)]
)
def test_tls_before_1_2_is_refused(server, authority, newest, is_taken):
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, newest
    if not is_taken:
        with pytest.raises(ssl.SSLError, match=BY_THE_SERVER), handshake(server, context):
            pass
        return
    with handshake(server, context) as line:
        assert line.version() == newest.name.replace("_", ".")


@pytest.mark.parametrize(
    ("cipher", "is_taken"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
        ("ECDHE-ECDSA-AES128-SHA256", False),
        ("AES128-GCM-SHA256", False),
    ],
)
def test_ciphers_keep_secrets_later_and_know_what_was_changed(server, authority, cipher, is_taken):
    context = trusting(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    if not is_taken:
        with pytest.raises(ssl.SSLError, match=BY_THE_SERVER), handshake(server, context):
            pass
        return
    with handshake(server, context) as line:
        assert line.cipher()[0] == cipher


def test_http_1_1_is_agreed_upon(server, authority):
    context = trusting(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with handshake(server, context) as line:
        assert line.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=["nothing", "half a greeting"])
def test_who_never_finishes_a_handshake_is_let_go(server, authority, sent):
    with opened(server.port) as line:
        line.send(sent)
        assert not line.is_closed(within_seconds=RECEIVE_SECONDS / 4)
        with client(server, trusting(authority)) as http:
            assert http.get("/livez").status_code == 200
        assert line.is_closed(within_seconds=10 * RECEIVE_SECONDS)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=["nothing", "half a greeting"])
def test_who_never_finishes_a_handshake_with_grpc_is_let_go(mutual, sent):
    with opened(int(mutual.rpc.rpartition(":")[2])) as line:
        line.send(sent)
        assert not line.is_closed(within_seconds=RECEIVE_SECONDS / 4)
        assert line.is_closed(within_seconds=10 * RECEIVE_SECONDS)


def test_sending_a_byte_now_and_then_makes_no_handshake_last(server):
    began = time.monotonic()
    with opened(server.port) as line:
        line.send(b"\x16\x03\x01\x02\x00")
        while line.send(b"\x01") and not line.is_closed(within_seconds=RECEIVE_SECONDS / 5):
            assert time.monotonic() - began < 10 * RECEIVE_SECONDS


def test_a_request_that_comes_too_slowly_is_dropped_over_tls_too(server, authority):
    with handshake(server, trusting(authority)) as line:
        line.sendall(b"POST /v1/models/income/predict HTTP/1.1\r\n")
        line.settimeout(10 * RECEIVE_SECONDS)
        assert line.recv(100) == b""


def ask_and_close(running, context, request: bytes) -> None:
    """Send a request and, in the same breath, the word that no more comes; read on until the server ends the connection, too."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as line:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                line.sendall(outgoing.read())
                incoming.write(line.recv(1 << 16))
        tls.write(request)
        # It waits for the same word from the other side, and there is nothing to read yet.
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        line.sendall(outgoing.read())
        with contextlib.suppress(ConnectionError):
            while line.recv(1 << 16):
                pass


def test_a_client_that_closes_its_half_is_let_go_and_nobody_is_warned(server, house, authority):
    asked = f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {house.key()}\r\ncontent-length: {len(body())}\r\n\r\n"
    # Answered or not, it comes to an end; that of a connection which stays open is a timeout here.
    ask_and_close(server, trusting(authority), asked.encode() + body())
    assert faults_told(server) == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("signer", ["nobody", "a stranger", "the authority"])
def test_who_must_show_a_certificate_is_answered_with_one_of_the_right_authority_alone(
    mutual, house, authority, stranger, signer, version
):
    shown = {"nobody": None, "a stranger": stranger.issue(), "the authority": authority.issue()}[signer]
    context = trusting(authority, shown)
    context.maximum_version = version
    with client(mutual, context, house.key(Role.ADMINISTRATOR)) as http:
        if signer == "the authority":
            answers_all(http)
        else:
            with pytest.raises(httpx.TransportError):
                http.get("/livez")


def test_a_certificate_that_ended_lets_nobody_in(mutual, authority):
    with client(mutual, trusting(authority, authority.issue(days=-1))) as http, pytest.raises(httpx.TransportError):
        http.get("/livez")


def lives_over_rpc(address, **shown) -> bool:
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(**shown)) as channel:
        try:
            return service_pb2_grpc.GRPCInferenceServiceStub(channel).ServerLive(service_pb2.ServerLiveRequest(), timeout=5).live
        except grpc.RpcError as fault:
            return fault.code() is not grpc.StatusCode.UNAVAILABLE


def test_grpc_asks_for_the_same_certificates(mutual, authority, stranger):
    def shown(issued) -> dict[str, bytes]:
        return {"private_key": issued.key.read_bytes(), "certificate_chain": issued.certificate.read_bytes()}

    trusted = {"root_certificates": authority.file.read_bytes()}
    assert lives_over_rpc(mutual.rpc, **trusted, **shown(authority.issue()))
    assert not lives_over_rpc(mutual.rpc, **trusted, **shown(stranger.issue()))
    assert not lives_over_rpc(mutual.rpc, **trusted)
    assert not lives_over_rpc(mutual.rpc, root_certificates=stranger.file.read_bytes(), **shown(authority.issue()))


def test_a_policy_knows_at_every_door_whether_a_certificate_was_shown(mutual, server, house, authority):
    key, by = house.key(), house.platform.access.owner()
    issued = authority.issue()
    credentials = grpc.ssl_channel_credentials(
        authority.file.read_bytes(), issued.key.read_bytes(), issued.certificate.read_bytes()
    )

    def asked(running, shown=None) -> list[int]:
        with client(running, trusting(authority, shown), key) as http:
            return [http.post(PREDICT, content=body()).status_code, http.get("/v2/models/income").status_code]

    def ready_over_rpc() -> bool:
        with grpc.secure_channel(mutual.rpc, credentials) as channel:
            stub, told = service_pb2_grpc.GRPCInferenceServiceStub(channel), [("authorization", f"Bearer {key}")]
            return stub.ModelReady(service_pb2.ModelReadyRequest(name="income"), timeout=5, metadata=told).ready

    policies = house.platform.access.policies
    policies.put("shown", "forbid (principal is Service, action, resource) unless { context.mtls };", by=by)
    try:
        until(lambda: asked(server) == [403, 403])
        assert asked(mutual, issued) == [200, 200]
        assert ready_over_rpc()
        policies.put("shown", "forbid (principal is Service, action, resource) when { context.mtls };", revision=1, by=by)
        until(lambda: asked(mutual, issued) == [403, 403])
        until(lambda: asked(server) == [200, 200])
        with pytest.raises(grpc.RpcError) as refused:
            ready_over_rpc()
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    finally:
        policies.remove("shown", by=by)
    until(lambda: asked(server) == [200, 200])


def test_where_certificates_are_welcome_a_policy_demands_them_of_services_and_browsers_come_without(house, authority, stranger):
    key, by = house.key(), house.platform.access.owner()
    more = {"tls_client_ca": authority.file, "tls_client_certificates": "welcome"}
    policies = house.platform.access.policies
    policies.put("shown", "forbid (principal is Service, action, resource) unless { context.mtls };", by=by)
    try:
        with Process(house.settings.home, **more, **authority.issue().settings) as running:

            def asked(shown=None) -> list[int]:
                with client(running, trusting(authority, shown), key) as http:
                    return [http.post(PREDICT, content=body()).status_code, http.get("/console/sign-in").status_code]

            assert asked() == [403, 200]
            assert asked(authority.issue()) == [200, 200]
            for wrong in (stranger.issue(), authority.issue(days=-1)):
                with pytest.raises(httpx.TransportError):
                    asked(wrong)
            well(running)
    finally:
        policies.remove("shown", by=by)


def cli(*words, **environment) -> subprocess.CompletedProcess:
    given = os.environ | {f"MODELWARD_{name.upper()}": str(value) for name, value in environment.items()}
    return subprocess.run(
        [sys.executable, "-m", "modelward", *words, "--json"], env=given, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_sdk_and_the_command_line_trust_and_show_what_they_are_told(mutual, house, authority, stranger):
    shown, row = authority.issue(), {"age": 40, "hours": 38.0, "sector": "public"}
    with Client(mutual.url, key=house.key(), trust=Trust(authority.file, shown.certificate, shown.key)) as remote:
        assert remote.serving.predict("income", [row]).version == "income:1"
        load = remote.measure("income", plan=Plan(seconds=0.3, warm_up_seconds=0.1, connections=(4,)))
        assert load.steps[0].requests > 0
        assert load.steps[0].failed == 0
    words = ("model", "list", "--url", mutual.url, "--key", house.key(Role.ADMINISTRATOR))
    files = {"client_ca": authority.file, "client_certificate": shown.certificate, "client_certificate_key": shown.key}
    assert json.loads(cli(*words, **files).stdout)
    for wrong in ({}, files | {"client_ca": stranger.file}, {"client_ca": authority.file}):
        refused = cli(*words, **wrong)
        assert refused.returncode == 6
        assert "MODELWARD_CLIENT_C" in json.loads(refused.stdout)["error"]["message"]


def test_several_workers_answer_over_tls(house, authority):
    with Process(house.settings.home, workers=2, **authority.issue().settings) as running:
        for _ in range(8):
            with client(running, trusting(authority), house.key()) as http:
                assert http.post(PREDICT, content=body()).status_code == 200
        assert running.end() == 0


def test_an_open_handshake_does_not_hold_up_the_end(house, authority):
    with Process(house.settings.home, **authority.issue().settings) as running, opened(running.port) as line:
        line.send(b"\x16\x03")
        with client(running, trusting(authority)) as http:
            assert http.get("/livez").status_code == 200
        well(running)


def put(issued, place) -> None:
    """As those who renew certificates do: another file takes the place."""
    issued.certificate.replace(place.certificate)
    issued.key.replace(place.key)


def shows_soon(running, authority, certificate, *, port=None) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if shown_by(running, authority, port=port) == certificate:
            return True
        time.sleep(0.1)
    return False


def binary(issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())


def test_a_renewed_certificate_is_shown_without_a_restart_and_one_of_no_use_is_not(house, authority):
    place, rpc = authority.issue(kind="rsa"), free_port()
    with (
        Process(house.settings.home, grpc_port=rpc, **place.settings) as running,
        client(running, trusting(authority), house.key()) as http,
    ):
        assert shown_by(running, authority) == shown_by(running, authority, port=rpc) == binary(place)
        renewed = authority.issue(kind="ec")
        expected = binary(renewed)
        put(renewed, place)
        assert shows_soon(running, authority, expected)
        assert shows_soon(running, authority, expected, port=rpc)
        assert http.post(PREDICT, content=body()).status_code == 200
        place.certificate.write_text("nothing of use")
        while "stays in use" not in running.errors():
            time.sleep(0.05)
        assert str(place.certificate) in running.errors(), "the log says why"
        assert shown_by(running, authority) == expected
        assert running.end() == 0


def session_of(running, context, *, port=None) -> ssl.SSLSession:
    """What a client keeps of a connection in good order, to come again without showing its certificate."""
    with handshake(running, context, port=port) as line:
        line.sendall(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" if port is None else GREETING)
        assert line.recv(1000)
        with contextlib.suppress(OSError):
            line.unwrap()
        return line.session


def is_let_in(running, context, *, session=None, port=None) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port or running.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as line,
        ):
            line.sendall(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n" if port is None else GREETING)
            return bool(line.recv(1000))
    except OSError:
        return False


def is_let_in_by(seconds, running, context, *, port=None) -> bool:
    end = time.monotonic() + seconds
    while not is_let_in(running, context, port=port):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("door", ["http", "grpc"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_whose_ca_is_taken_out_comes_in_no_more_by_the_session_of_before(tmp_path, house, authority, stranger, version, door):
    trusted, rpc = tmp_path / "clients.pem", free_port()
    trusted.write_bytes(authority.file.read_bytes())

    def showing(signer) -> ssl.SSLContext:
        context = trusting(authority, signer.issue())
        context.maximum_version = version
        if door == "grpc":
            context.set_alpn_protocols(["h2"])
        return context

    before, after = showing(authority), showing(stranger)
    more = {"tls_client_ca": trusted, "grpc_port": rpc, **authority.issue().settings}
    with Process(house.settings.home, **more) as running:
        port = rpc if door == "grpc" else None
        assert not is_let_in(running, after, port=port)
        sessions = [session_of(running, before, port=port) for _ in range(3)]
        (tmp_path / "renewed.pem").write_bytes(stranger.file.read_bytes())
        (tmp_path / "renewed.pem").replace(trusted)
        assert is_let_in_by(20, running, after, port=port)
        assert not is_let_in(running, before, port=port)
        assert not any(is_let_in(running, before, session=session, port=port) for session in sessions)
        # Those who are known by now leave sessions of no use to the others.
        assert is_let_in(running, after, session=session_of(running, after, port=port), port=port)
        assert running.end() == 0


@pytest.fixture
def given(tmp_path):
    return Authority(tmp_path).issue()


def open_to_all(path, tmp_path):
    path.chmod(0o644)
    return path


def of_another(path, tmp_path):
    return Authority(tmp_path).issue().key


def with_password(path, tmp_path):
    return Authority(tmp_path).issue(password=b"secret words").key


def not_there(path, tmp_path):
    return path.with_name("nowhere.pem")


def of_words(path, tmp_path):
    path.write_text("these are words")
    return path


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("tls_certificate", not_there, "No such file"),
        ("tls_certificate", of_words, "holds no certificate"),
        ("tls_key", not_there, "No such file"),
        ("tls_key", of_words, "holds no private key"),
        ("tls_key", with_password, "asks for a password"),
        ("tls_key", of_another, "is not the key of the first certificate"),
        ("tls_key", open_to_all, "is open to others (mode 0644). Run `chmod 600"),
        ("tls_client_ca", of_words, "holds no certificate"),
        ("tls_client_ca", not_there, "No such file"),
    ],
)
def test_a_file_of_no_use_is_named_with_what_to_do(given, tmp_path, name, change, told):
    settings = given.settings | {"tls_client_ca": str(Authority(tmp_path).file)}
    assert tls_of(Settings(**settings)) is not None
    settings[name] = str(change(type(tmp_path)(settings[name]), tmp_path))
    with pytest.raises(TlsFileError) as refused:
        tls_of(Settings(**settings))
    assert str(refused.value).startswith(f"{variable(name)}: {settings[name]} ")
    assert told in str(refused.value)
    assert str(refused.value).endswith(".")
    assert [check.is_well for check in certificate_checks(Settings(**settings))] == [False]


@pytest.mark.parametrize("alone", ["tls_certificate", "tls_key", "tls_client_ca"])
def test_half_of_tls_is_never_taken_for_none(given, tmp_path, alone):
    settings = given.settings | {"tls_client_ca": str(Authority(tmp_path).file)}
    with pytest.raises(TlsFileError, match=f"^{variable(alone)} is set and MODELWARD_TLS_"):
        tls_of(Settings(**{alone: settings[alone]}))


def test_without_a_word_of_it_there_is_no_tls():
    assert tls_of(Settings()) is None
    assert list(certificate_checks(Settings())) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_cannot_have_its_tls_does_not_start(house, given, workers):
    given.key.chmod(0o644)
    environment = os.environ | {variable(name): path for name, path in given.settings.items()}
    command = [sys.executable, "-m", "modelward", "serve", "--home", str(house.settings.home), "--port", "0", "--json"]
    ended = subprocess.run(
        command, env=environment | {"MODELWARD_WORKERS": str(workers)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert "MODELWARD_TLS_KEY" in json.loads(ended.stdout)["error"]["message"]


@pytest.mark.parametrize(("days", "is_well"), [(30, True), (3, False), (-1, False)])
def test_the_doctor_sees_when_a_certificate_ends(tmp_path, days, is_well):
    issued = Authority(tmp_path).issue(days=days)
    (check,) = certificate_checks(Settings(**issued.settings))
    assert check.is_well is is_well
    assert "ends on" in check.found


def test_of_a_certificate_that_ended_the_log_tells(tmp_path, caplog):
    tls_of(Settings(**Authority(tmp_path).issue(days=-1).settings))
    assert "clients refuse it" in caplog.text
