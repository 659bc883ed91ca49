# SPDX-License-Identifier: Apache-2.0
"""The judge of a home: roles, the limits of credentials and the site's policies together.

Default deny, and what forbids overrides what permits; what is forbidden of a dataset is forbidden of its shards. The table of roles
is what the built-in policies say; it is looked up here as a table, and a test holds the two equal. The limits of a credential are
no policies: nothing permits beyond them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from modelward.access.actor import Actor
from modelward.access.deciding import Ground, apart, asking_why, grounds_of, judged
from modelward.access.emergency import EMERGENCY_ENDED, EMERGENCY_REFUSED, EMERGENCY_USED, Emergency, emergency_of
from modelward.access.ended_on_record import EndedOnRecord
from modelward.access.judge import BY_ROLE, Decision, lacks_by_limit, lacks_by_role, reaches
from modelward.access.permission import PERMISSIONS_OF, Permission, Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.site_policy import SITE_POLICY_PUT, SITE_POLICY_REMOVED, SitePolicy
from modelward.access.store import emergencies as emergency_rows
from modelward.access.store import policies as policy_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import tenants as tenant_rows
from modelward.access.tenant import prefix_of
from modelward.audit import Ledger, LedgerBrokenError, LoggedEntry
from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError, ModelwardError
from modelward.storage import Connection, Database

if TYPE_CHECKING:
    from modelward.access.cedar import CompiledPolicies, Found, PolicyFile, Statement

REPAIR: Final = "Whoever owns the home repairs it there: `modelward access policies remove NAME`, and `put` it again."
_KEPT: Final = 65_536
# Stands for decisions that are kept for each connection apart. Nobody is told it.
_BY_ORIGIN: Final = Decision(is_allowed=False, reason="")
TYPES: Final = {"person": "Person", "service": "Service", "model": "Model", "local": "Local"}


Marks: TypeAlias = tuple[tuple[str, str], ...]
Statements: TypeAlias = "tuple[Statement, ...]"
_NONE: Final[Mapping[str, Statements]] = {}
# A dataset, and what it is a shard of, at any depth. Data lies above this room.
Divided: TypeAlias = Callable[[str], Iterable[str]]


def undivided(dataset: str) -> Iterable[str]:
    """Of a house without shards."""
    return (dataset,)


class _Beside(NamedTuple):
    """The datasets that what forbids is asked of, too; or why that cannot be told."""

    datasets: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A decision with everything that bore on it. `by_origin`: on another connection it may be another."""

    decision: Decision
    grounds: tuple[Ground, ...]
    by_origin: bool = False


@dataclass(slots=True)
class Standing:
    """What is judged by, of one revision of access. `fault` is why no policies can be asked; then next to nothing is allowed."""

    revision: int
    marks: Marks = ()
    tenants: frozenset[str] = frozenset()
    compiled: CompiledPolicies | None = None
    fault: str = ""
    emergencies: tuple[Emergency, ...] = ()
    decided: dict[tuple[object, ...], Decision] = field(default_factory=dict)


class HouseJudge:
    """See `Judge`. It judges by what stood in the database when somebody last proved who they are, or changed anything."""

    def __init__(self, database: Database, ledger: Ledger, seal: Seal, *, divided: Divided = undivided) -> None:
        self._divided = divided
        self._database = database
        self._ledger = ledger
        self._seal = seal
        self._ended = EndedOnRecord(ledger, EMERGENCY_ENDED, EMERGENCY_REFUSED, id_of=emergency_of)
        self._standing: Standing | None = None
        self._prepared: tuple[Marks, CompiledPolicies | None] | None = None
        self._read_last: Mapping[str, PolicyFile] = {}

    def judged(self, actor: Actor) -> Actor:
        """The actor, with this as their judge."""
        return replace(actor, judge=self)

    def decide(self, actor: Actor, permission: Permission, *, model: str | None = None, dataset: str | None = None) -> Decision:
        """See `Judge`."""
        standing = self._standing or self.refreshed()
        emergency = _emergency_of(standing, actor, permission)
        is_plain = standing.compiled is None and not standing.fault and not actor.tenant and not actor.id.startswith("model:")
        if is_plain and emergency is None:
            return BY_ROLE.decide(actor, permission, model=model, dataset=dataset)
        given, who = emergency and emergency.id, (actor.id, actor.credential, actor.tenant)
        beside = self._beside(standing, model, dataset)
        asked: tuple[object, ...] = (given, *who, actor.role, actor.models, actor.purpose, permission, model, dataset, beside)
        decision = standing.decided.get(asked)
        if decision is _BY_ORIGIN:
            decision = standing.decided.get((*asked, actor.origin))
        if decision is None or (decision.until is not None and decision.until <= datetime.now(UTC)):
            weighed = self._weigh(standing, actor, permission, model, dataset, beside)
            decision = weighed.decision
            if len(standing.decided) >= _KEPT:
                standing.decided.clear()
            if weighed.by_origin:
                standing.decided[asked] = _BY_ORIGIN
                asked = (*asked, actor.origin)
            standing.decided[asked] = decision
        return decision

    def weigh(self, actor: Actor, permission: Permission, *, model: str | None = None, dataset: str | None = None) -> Weighed:
        """What `decide` says, with everything that bore on it."""
        standing = self.refreshed()
        return self._weigh(standing, actor, permission, model, dataset, self._beside(standing, model, dataset))

    def refresh(self, connection: Connection) -> int:
        """Judge by what stands in the database now, which is of that revision."""
        if self._standing is None or self._standing.revision != sealed_rows.revision(connection):
            self._standing = self._read(connection)
            self._standing.emergencies = self._emergencies(connection)
        return self._standing.revision

    def _emergencies(self, connection: Connection) -> tuple[Emergency, ...]:
        """Those that are not over, neither by their rows nor by the ledger; none, where the ledger is not the one that was read."""
        found = emergency_rows.not_over(connection, now=datetime.now(UTC), seal=self._seal)
        try:
            ended = self._ended.among(each.id for each in found)
        except LedgerBrokenError:
            return ()
        return tuple(each for each in found if each.id not in ended)

    def put_back(self, connection: Connection) -> list[str]:
        """The emergencies that are over by the ledger's word, and not by their rows."""
        found = emergency_rows.not_over(connection, now=datetime.now(UTC), seal=self._seal)
        return [f"emergency {each!r}" for each in sorted(self._ended.among(each.id for each in found))]

    def note_use(self, actor: Actor, decision: Decision, permission: Permission, *, model: str | None, dataset: str | None) -> None:
        """See `Judge`."""
        facts = {"permission": permission.value, "model": model, "dataset": dataset}
        with self._database.same_change() as connection:
            subject = f"emergency {decision.emergency}"
            self._ledger.record(connection, EMERGENCY_USED, actor=actor.id, subject=subject, facts=facts)

    def refreshed(self) -> Standing:
        """What is judged by, of now."""
        with self._database.look() as connection:
            self.refresh(connection)
        assert self._standing is not None
        return self._standing

    def prepare(self, marks: Marks, compiled: CompiledPolicies | None) -> None:
        """These are the policies of the files with those marks, so that they need not be read once more."""
        self._prepared = marks, compiled

    def compiled(self, files: Sequence[SitePolicy], *, checked: Mapping[str, Statements] = _NONE) -> CompiledPolicies | None:
        """The policies of all the files; None where there are none. Those that were `checked` a moment ago are not read again, nor
        those whose texts were in force when this judge looked last.

        Raises:
            TooManyBearError: so many have one scope that questions would wait.
        """
        if not files:
            return None
        from modelward.access.cedar import CompiledPolicies, PolicyFile, read

        def made(file: SitePolicy) -> PolicyFile:
            last = self._read_last.get(file.name)
            if last is not None and last.digest == file.digest:
                return last
            return PolicyFile.of(file.name, file.digest, checked.get(file.name) or read(file.text))

        return CompiledPolicies.of(made(file) for file in files)

    def trial(self, compiled: CompiledPolicies | None) -> HouseJudge:
        """A judge that judges by those policies, and never reads others: what would be."""
        other = HouseJudge(self._database, self._ledger, self._seal, divided=self._divided)
        other._standing = Standing(-1, compiled=compiled)
        return other

    def _read(self, connection: Connection) -> Standing:
        revision, marks = sealed_rows.revision(connection), policy_rows.marks(connection)
        tenants = frozenset(each.name for each in tenant_rows.tenants(connection, seal=self._seal))
        before = self._standing
        try:
            files = policy_rows.policies(connection, seal=self._seal)
            if before is not None and before.marks == marks and not before.fault:
                return Standing(revision, marks, tenants, before.compiled)
            self._must_be_on_record(files, connection)
            prepared, self._prepared = self._prepared, None
            compiled = prepared[1] if prepared and prepared[0] == marks else self.compiled(files)
            self._read_last = compiled.files if compiled else {}
            return Standing(revision, marks, tenants, compiled)
        except (AlteredRowError, InvalidError) as fault:
            return Standing(revision, marks, tenants, fault=str(fault))

    def _must_be_on_record(self, files: list[SitePolicy], connection: Connection) -> None:
        """Nothing, where the ledger tells of the same files.

        Raises:
            AlteredRowError: it does not: a row was put, put back, or taken away by something else. Or nothing proves what it tells.
        """
        told = [
            each for event in (SITE_POLICY_PUT, SITE_POLICY_REMOVED) for each in self._ledger.entries(event=event.name, limit=1)
        ]
        newest = max(told, key=lambda each: each.index, default=None)
        if not _is_told(newest, files) and not self._was_changed_meanwhile(connection):
            raise AlteredRowError("The policy files are not those that the ledger tells of.")
        if newest is not None and not self._ledger.proves(newest):
            raise AlteredRowError("The ledger does not prove what it tells of the policy files: run `modelward audit verify`.")

    def _was_changed_meanwhile(self, connection: Connection) -> bool:
        """Whether the ledger may tell of files that this reading does not see yet."""
        with self._database.look() as later:
            return policy_rows.marks(later) != policy_rows.marks(connection)

    def _beside(self, standing: Standing, model: str | None, dataset: str | None) -> _Beside:
        """What a dataset is a shard of; and the dataset itself, where policies are asked of the model that it is for."""
        if standing.compiled is None or dataset is None:
            return _Beside()
        try:
            line = (*self._divided(dataset),)
        except ModelwardError as fault:
            return _Beside(fault=str(fault))
        return _Beside(line if model is not None else line[1:])

    def _weigh(
        self, standing: Standing, actor: Actor, permission: Permission, model: str | None, dataset: str | None, beside: _Beside
    ) -> Weighed:
        if actor.tenant and (refused := apart(actor, permission, model, dataset)):
            return Weighed(refused, (Ground("tenant", actor.tenant, permits=False),))
        has_role = not actor.id.startswith("model:") and permission in PERMISSIONS_OF[actor.role]
        by_role = (Ground("role", actor.role.value, permits=True),) if has_role else ()
        if not reaches(actor, permission, model):
            limit = Ground("limit", ", ".join(actor.models or ()), permits=False)
            reason = lacks_by_limit(actor, permission, model) if has_role else lacks_by_role(actor, permission)
            return Weighed(Decision(is_allowed=False, reason=reason), (*by_role, limit))
        if _is_repair(actor, permission):
            return Weighed(
                Decision(is_allowed=True, reason=f"{actor.id} owns the home, and may always repair its policies."), by_role
            )
        if standing.fault:
            reason = f"No policy can be asked, so nothing is allowed: {standing.fault} {REPAIR}"
            return Weighed(Decision(is_allowed=False, reason=reason), (Ground("fault", standing.fault, permits=False),))
        found, of = self._found(standing, actor, permission, model, dataset, beside)
        emergency = _emergency_of(standing, actor, permission)
        given = (Ground("emergency", emergency.id, permits=True),) if emergency else ()
        why = asking_why(actor, permission, model, dataset, by_origin=bool(found and found.depends_on_origin))
        decision = judged(actor, permission, found, has_role=has_role, emergency=emergency, of=of, why=why)
        return Weighed(decision, (*by_role, *given, *grounds_of(found)), by_origin=bool(found and found.depends_on_origin))

    def _found(
        self, standing: Standing, actor: Actor, permission: Permission, model: str | None, dataset: str | None, beside: _Beside
    ) -> tuple[Found | None, str]:
        """What the policies say; and of which of the datasets `beside` they forbid it, where it is not of the thing itself."""
        found = self._asked(standing, actor, permission, model, dataset)
        if found is None:
            return None, ""
        if beside.fault:
            fault = f"What {dataset!r} is a shard of cannot be told: {beside.fault}"
            return replace(found, faults=(*found.faults, fault)), ""
        of = ""
        for name in beside.datasets:
            more = self._asked(standing, actor, permission, None, name)
            if more is None:
                continue
            if more.forbids and not found.forbids:
                of = f"dataset {name!r}" if name == dataset else f"dataset {name!r} (of which {dataset!r} is a shard)"
            found = replace(
                found,
                forbids=(*found.forbids, *(each for each in more.forbids if each not in found.forbids)),
                faults=(*found.faults, *(each for each in more.faults if each not in found.faults)),
                depends_on_time=found.depends_on_time or more.depends_on_time,
                depends_on_origin=found.depends_on_origin or more.depends_on_origin,
            )
        return found, of

    def _asked(
        self, standing: Standing, actor: Actor, permission: Permission, model: str | None, dataset: str | None
    ) -> Found | None:
        if standing.compiled is None:
            return None
        from modelward.access.cedar import Question

        kind, _, name = actor.id.partition(":")
        resource = ("Model", model) if model is not None else ("Dataset", dataset) if dataset is not None else ("House", "house")
        question = Question(
            principal=(TYPES.get(kind, "Person"), name),
            action=permission.value,
            resource=resource,
            role="" if kind == "model" else actor.role.value,
            tenant=prefix_of(name) if kind == "model" and prefix_of(name) in standing.tenants else actor.tenant,
            resource_tenant=owner if (owner := prefix_of(resource[1])) in standing.tenants else "",
            purpose=actor.purpose,
            is_mtls=actor.origin.is_mtls,
            address=actor.origin.address,
        )
        return standing.compiled.ask(question)


def in_force(files: list[SitePolicy]) -> str:
    """What stands for a set of files in the ledger: the digest over the names and digests of all."""
    return sha256_hex(canonical_json(sorted([file.name, file.revision, file.digest] for file in files)))


def _is_told(newest: LoggedEntry | None, files: list[SitePolicy]) -> bool:
    return not files if newest is None else newest.entry.facts.get("in_force") == in_force(files)


def _is_repair(actor: Actor, permission: Permission) -> bool:
    """Who owns the home could take the policies out of its database: that this goes by a verb keeps it on record."""
    return permission is Permission.POLICIES_MANAGE and actor.id.startswith("local:") and actor.role is Role.ADMINISTRATOR


def _emergency_of(standing: Standing, actor: Actor, permission: Permission) -> Emergency | None:
    """What was given to the actor in an emergency that allows it now, where their role does not."""
    if not standing.emergencies or permission in PERMISSIONS_OF[actor.role]:
        return None
    now = datetime.now(UTC)
    return next((each for each in standing.emergencies if each.asker == actor.id and each.gives(permission, now=now)), None)
