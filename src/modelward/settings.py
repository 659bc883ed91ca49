# SPDX-License-Identifier: Apache-2.0
"""Every setting, its default and its limit. `docs/reference/settings.md` lists them; a test keeps the two equal.

Each is read from the environment as `MODELWARD_` and its name in capitals.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from modelward.errors import InvalidError

HOME_FOLDER = ".modelward"
_FILES = (
    "keys",
    "keys_passphrase_file",
    "tls_certificate",
    "tls_key",
    "tls_client_ca",
    "client_ca",
    "client_certificate",
    "client_certificate_key",
    "oidc_client_secret_file",
    "oidc_ca",
)


class TlsFiles(NamedTuple):
    """The files of a server's certificate and of its key."""

    certificate: Path
    key: Path


class InvalidSettingError(InvalidError):
    """A setting has a value it cannot take."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation can be told from outside. Sizes are bytes, times are seconds."""

    home: Annotated[Path, Meta(description="Folder in which everything lives.")] = Path(HOME_FOLDER)
    database_url: Annotated[str, Meta(description="URL of an SQLite file, `sqlite:////path`; empty means one in the home.")] = ""
    objects_url: Annotated[str, Meta(description="Where sealed objects lie; empty means a folder in the home.")] = ""
    keys: Annotated[str, Meta(description="Path of the keyring file (mode 0600); empty means `keys.json` in the home.")] = ""
    keys_passphrase_file: Annotated[
        str, Meta(description="File (mode 0600) with the passphrase of a keyring that a passphrase guards.")
    ] = ""
    keys_passphrase_descriptor: Annotated[
        int, Meta(ge=-1, le=65535, description="Inherited descriptor from which that passphrase is read, once; -1 is none.")
    ] = -1
    keys_command: Annotated[
        str,
        Meta(description="Program, by its whole path and with its words, that wraps and unwraps the key of a keyring it guards."),
    ] = ""
    keys_command_timeout_seconds: Annotated[float, Meta(gt=0, le=600, description="Longest wait for that program.")] = 10.0
    host: Annotated[str, Meta(description="Address that `modelward serve` binds.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port that `modelward serve` binds; 0 lets the system choose.")] = 8321
    grpc_port: Annotated[int, Meta(ge=0, le=65535, description="Port that `modelward serve` binds for gRPC; 0 is none.")] = 0
    tls_certificate: Annotated[
        str,
        Meta(
            description="File with the server's certificate and those up to its CA, in PEM; empty means plain HTTP. Where neither "
            "it nor the key is set at all, it is what `modelward tls init` made in the home."
        ),
    ] = ""
    tls_key: Annotated[str, Meta(description="File with the certificate's key, in PEM, closed to others.")] = ""
    tls_client_ca: Annotated[
        str, Meta(description="File with the CAs that sign clients, in PEM; then every client must show such a certificate.")
    ] = ""
    tls_client_certificates: Annotated[
        Literal["required", "welcome"],
        Meta(
            description="Whether clients over HTTP must show a certificate of those CAs, or may: policies can demand one of some. "
            "Over gRPC they must."
        ),
    ] = "required"
    client_ca: Annotated[
        str,
        Meta(description="File with the CAs that a service (`--url https://…`) is trusted by; empty means the well-known ones."),
    ] = ""
    client_certificate: Annotated[str, Meta(description="File with the certificate to show to a service, in PEM.")] = ""
    client_certificate_key: Annotated[str, Meta(description="File with the key of that certificate, in PEM.")] = ""
    body_limit_bytes: Annotated[int, Meta(ge=1024, description="Largest request body of an inference or control route.")] = 4 << 20
    upload_limit_bytes: Annotated[int, Meta(ge=1024, description="Largest data file that may be uploaded.")] = 512 << 20
    rows_limit: Annotated[int, Meta(ge=1, description="Most rows in one inference request.")] = 4096
    explain_rows_limit: Annotated[int, Meta(ge=1, description="Most rows in one explain request.")] = 16
    image_pixels_limit: Annotated[
        int,
        Meta(
            ge=1,
            description="Most pixels that all images of one inference or explain request have together. No larger image is "
            "registered, so that whatever is learned from can be asked about.",
        ),
    ] = 1 << 25
    dataset_pixels_limit: Annotated[
        int, Meta(ge=1, description="Most pixels that all images of one dataset have together, before they are made smaller.")
    ] = 1 << 34
    json_depth_limit: Annotated[int, Meta(ge=4, le=200, description="Deepest nesting of arrays and objects in a JSON body.")] = 32
    header_limit_bytes: Annotated[int, Meta(ge=1024, description="Largest head of an HTTP request.")] = 32 << 10
    receive_timeout_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Longest time for a whole request to arrive, beside 1 s for each 16 KiB of it.")
    ] = 30.0
    keep_alive_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="How long a connection is kept on which nothing happens.")
    ] = 30.0
    request_timeout_seconds: Annotated[float, Meta(gt=0, le=3600, description="Longest wait for one inference answer.")] = 30.0
    shutdown_grace_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="How long open requests may finish after SIGTERM.")
    ] = 20.0
    inflight_limit: Annotated[
        int, Meta(ge=1, description="Inference requests that one worker has open at once; more are answered 503.")
    ] = 1024
    waiting_rows_limit: Annotated[
        int,
        Meta(
            ge=1,
            description="Rows that wait for one model in one worker; beyond them who asks is answered 503, but for callers who "
            "have less than an equal share of so many waiting.",
        ),
    ] = 100_000
    refresh_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="How often a server looks for new releases and revoked keys.")
    ] = 0.5
    engine_threads: Annotated[
        int, Meta(ge=0, le=256, description="Threads of one worker for dear engines; 0 means that the workers share the cores out.")
    ] = 0
    batch_rows: Annotated[int, Meta(ge=1, le=65536, description="Most rows that one call of an engine answers.")] = 256
    batch_delay_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Longest wait of a dear engine for callers who were back by then before, never longer than a call takes; "
            "0 means none.",
        ),
    ] = 0.02
    ledger_durability: Annotated[
        Literal["full", "relaxed"],
        Meta(description="`relaxed` lets answers leave before they are on record: to measure what the ledger costs, not to serve."),
    ] = "full"
    workers: Annotated[
        int, Meta(ge=1, le=256, description="Processes in which `modelward serve` answers, all on its one port.")
    ] = 1
    seat: Annotated[
        str, Meta(description="For each of several workers, the file of what it counts: set by `modelward serve`, not by hand.")
    ] = ""
    training_workers: Annotated[int, Meta(ge=0, le=256, description="Candidates trained at once; 0 means one per core.")] = 0
    training_isolation: Annotated[
        Literal["process", "required", "none"],
        Meta(
            description="Where models are learnt: in a process of its own without keys, closed in where the kernel offers it; "
            "`required` refuses where it does not; `none` learns among the keys, to search for faults."
        ),
    ] = "process"
    checkpoint_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="How often the training of a network is kept to go on from; 0 means each step.")
    ] = 30.0
    session_seconds: Annotated[int, Meta(ge=60, le=31_536_000, description="How long a console session lasts.")] = 8 * 3600
    invitation_seconds: Annotated[int, Meta(ge=60, le=31_536_000, description="How long a one-time sign-in link is good for.")] = (
        24 * 3600
    )
    session_idle_seconds: Annotated[
        int, Meta(ge=60, le=31_536_000, description="How long a console session lasts in which nothing is done.")
    ] = 3600
    password_memory_kib: Annotated[
        int, Meta(ge=19_456, le=2_097_152, description="Memory that checking a password takes (argon2id), in KiB.")
    ] = 65_536
    password_passes: Annotated[int, Meta(ge=2, le=20, description="Passes over that memory.")] = 3
    password_lanes: Annotated[int, Meta(ge=1, le=16, description="Lanes of that memory, each of which a core may fill.")] = 4
    sign_in_attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Sign-ins of one person from one address that may fail before each makes the wait for the next twice as "
            "long; of one address it is six times, of one person from elsewhere ten times as many.",
        ),
    ] = 5
    sign_in_pause_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="Longest wait after failed sign-ins; then the next is looked at again.")
    ] = 900
    second_factor_roles: Annotated[
        str, Meta(description="Roles, separated by commas, that may do nothing before they set up a second factor.")
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Addresses, separated by commas, of proxies whose `X-Forwarded-For` says who signs in or asks; empty means "
            "that whoever connects does."
        ),
    ] = ""
    emergency_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Most minutes for which access in an emergency (break-glass) is given.")
    ] = 60
    oidc_issuer: Annotated[
        str,
        Meta(
            description="Issuer of the OpenID provider by which people may sign in to the console, such as "
            "`https://login.example.org/realms/house`; empty means none."
        ),
    ] = ""
    oidc_client_id: Annotated[str, Meta(description="What the provider calls this installation.")] = ""
    oidc_client_secret_file: Annotated[
        str, Meta(description="File (mode 0600) with the secret that the provider gave out; empty means a client without one.")
    ] = ""
    oidc_console_url: Annotated[
        str,
        Meta(description="Address under which browsers reach this server; the provider sends people back to it and nowhere else."),
    ] = ""
    oidc_title: Annotated[str, Meta(description="What the button calls the provider; empty means the host of its issuer.")] = ""
    oidc_scopes: Annotated[str, Meta(description="What is asked of the provider; `openid` is always among it.")] = "openid profile"
    oidc_name_claim: Annotated[str, Meta(description="The claim out of which a person's name is made.")] = "preferred_username"
    oidc_groups_claim: Annotated[
        str, Meta(description="The claim with a person's groups or roles; dots lead into objects, as `realm_access.roles`.")
    ] = "groups"
    oidc_roles: Annotated[
        str,
        Meta(
            description="Which group gives which role: `GROUP=ROLE`, parted by `;`. The first that fits counts; whom none "
            "fits does not come in."
        ),
    ] = ""
    oidc_tenants: Annotated[
        str,
        Meta(
            description="Which group puts people into which tenant: `GROUP=TENANT`, parted by `;`, where `-` is the house itself. "
            "The first that fits counts; whom none fits does not come in. Empty: all are of the house."
        ),
    ] = ""
    oidc_algorithms: Annotated[
        str, Meta(description="Algorithms by which the provider may sign: of public keys only, parted by blanks.")
    ] = "RS256 PS256 ES256 Ed25519"
    oidc_skew_seconds: Annotated[
        int, Meta(ge=0, le=600, description="How far the provider's clock may be from the server's own.")
    ] = 60
    oidc_hosts: Annotated[
        str,
        Meta(
            description="Hosts beside the issuer's own where its endpoints may lie, such as `keys.example.org`, parted by blanks."
        ),
    ] = ""
    oidc_ca: Annotated[
        str, Meta(description="File with the CAs that the provider is trusted by, in PEM; empty means the well-known ones.")
    ] = ""
    privacy_epsilon: Annotated[
        float, Meta(gt=0, le=100, description="Epsilon of the privacy budget of a dataset for which nobody set another.")
    ] = 3.0
    privacy_delta: Annotated[
        float,
        Meta(gt=0, le=0.1, description="Delta of such a budget; a tenth of one part in the number of rows where that is less."),
    ] = 1e-6
    watts_per_core: Annotated[
        float, Meta(gt=0, le=10_000, description="Assumed power of one busy core, where no meter can be read.")
    ] = 8.0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least serious log line written.")] = "info"

    @property
    def tls_files(self) -> TlsFiles:
        """Where `modelward tls init` puts the server's certificate and its key."""
        return TlsFiles(self.home / "tls" / "server.pem", self.home / "tls" / "server.key")

    @property
    def keyring_path(self) -> Path:
        """Where the keyring file is, whether or not the setting names one."""
        return Path(self.keys) if self.keys else self.home / "keys.json"


def variable(name: str) -> str:
    """The environment variable that sets `name`."""
    return f"MODELWARD_{name.upper()}"


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables from which `read_settings` makes these settings again."""
    return {variable(name): str(getattr(settings, name)) for name in Settings.__struct_fields__}


def find_home(start: Path) -> Path:
    """The nearest `.modelward` folder at or above `start`, like git; `start/.modelward` where there is none."""
    for folder in (start, *start.parents):
        if (folder / HOME_FOLDER).is_dir():
            return folder / HOME_FOLDER
    return start / HOME_FOLDER


def read_settings(environment: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """Settings from the environment; `home` wins over `MODELWARD_HOME`, and both over the nearest `.modelward` upward.

    Raises:
        InvalidSettingError: a variable has a value its setting cannot take; the message names both.
    """
    environment = os.environ if environment is None else environment
    given = {name: environment[variable(name)] for name in Settings.__struct_fields__ if variable(name) in environment}
    for name, value in given.items():
        _check(name, value)
    chosen = home or Path(given.get("home") or find_home(Path.cwd()))
    settings = msgspec.convert(given | {"home": str(chosen)}, Settings, strict=False, dec_hook=_path)
    files: dict[str, str] = {name: str(_absolute(name, Path(path))) if (path := getattr(settings, name)) else "" for name in _FILES}
    settings = msgspec.structs.replace(settings, home=_absolute("home", settings.home), **files)
    # A certificate of the home's own is for a server that was told nothing else, not even that there is to be none.
    if given.keys().isdisjoint({"tls_certificate", "tls_key"}) and settings.tls_files.certificate.exists():
        own = settings.tls_files
        return msgspec.structs.replace(settings, tls_certificate=str(own.certificate), tls_key=str(own.key))
    return settings


def limits_of(name: str) -> str:
    """What the setting `name` can be, in words."""
    import msgspec.inspect as inspect

    found = next(field.type for field in inspect.type_info(Settings).fields if field.name == name)  # type: ignore[attr-defined]  # a struct's type has fields
    kind = found.type if isinstance(found, inspect.Metadata) else found
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(f"`{value}`" for value in kind.values)
    if not isinstance(kind, inspect.IntType | inspect.FloatType):
        return "text" if isinstance(kind, inspect.StrType) else "a path"
    bounds = [("above", kind.gt), ("at least", kind.ge), ("at most", kind.le)]
    words = [f"{word} {limit:.15g}" for word, limit in bounds if limit is not None]
    return ", ".join(["a whole number" if isinstance(kind, inspect.IntType) else "a number", *words])


def _check(name: str, value: str) -> None:
    try:
        msgspec.convert({name: value}, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as wrong:
        raise InvalidSettingError(
            f"{variable(name)} is {value[:80]!r}, and can be {limits_of(name)}. See `docs/reference/settings.md`."
        ) from wrong


def _absolute(name: str, path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as nobody:
        raise InvalidSettingError(f"{variable(name)} is {str(path)!r}, and this machine has no such user.") from nobody


def _path(kind: type[Any], value: str) -> Any:
    return kind(value)
