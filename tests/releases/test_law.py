# SPDX-License-Identifier: Apache-2.0
"""The law of the gate, over random sequences of its verbs: nothing is live unless every rule passed and people approved."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conftest import new_secrets
from modelward.access import Actor, Role
from modelward.assessment import Assessment
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.errors import ModelwardError
from modelward.registry import Registry
from modelward.releases import Releases, ReleaseState
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault
from releases.conftest import ADA, BOB, EVE, FREE, OLE, TWO_PEOPLE
from serving.tiny import LINEAGE, register

ADMIN = Actor("person:root", "root", Role.ADMINISTRATOR)
people = st.sampled_from([ADA, BOB, EVE, OLE, ADMIN])


class Gate(RuleBasedStateMachine):
    """Verbs come in any order, from anybody; most are refused."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        keyring = Keyring.create(home / "keys.json", secrets=new_secrets())
        self.database = Database(f"sqlite:///{home / 'modelward.db'}")
        self.database.create_tables()
        self.ledger = Ledger(self.database, keyring, anchor=home / "ledger.checkpoint")
        self.ledger.create("modelward/test")
        vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, self.database)
        self.registry = Registry(self.database, vault, self.ledger, keyring)
        datasets = Datasets(self.database, vault, self.ledger, keyring, settings=Settings(home=home))
        self.releases = Releases(self.database, self.ledger, self.registry, Assessment(self.registry, datasets))
        for text in (FREE, TWO_PEOPLE):
            self.releases.policies.put(text, by=BOB)
        self.known = {}
        for place in range(4):
            is_known = place != 2
            version = register(self.registry, by=ADMIN, lineage=LINEAGE if is_known else replace(LINEAGE, run=""))
            self.known[version.name] = is_known
        self.approved = {}
        self.proposed = {}
        self.paused = set()
        self.bound = {"free": (), "two-people": ()}

    def teardown(self):
        assert self.ledger.verify().is_sound
        self.database.close()
        self.folder.cleanup()

    def governing(self):
        """The policies that may decide over income."""
        named = [name for name, models in self.bound.items() if "income" in models]
        return named or [name for name, models in self.bound.items() if "*" in models] or list(self.bound)

    @rule(text=st.sampled_from([FREE, TWO_PEOPLE]), models=st.sampled_from([(), (), ("income",), ("*",)]), by=people)
    def bind(self, text, models, by):
        try:
            kept = self.releases.policies.put(text + (f"models: {json.dumps(models)}\n" if models else ""), by=by)
        except ModelwardError:
            return
        self.bound[kept.name] = models
        assert not (set(self.bound["free"]) & set(self.bound["two-people"])), "two policies name the same"

    @rule(number=st.integers(1, 4), policy=st.sampled_from(["free", "two-people", None]), by=people)
    def propose(self, number, policy, by):
        try:
            release = self.releases.propose(f"income:{number}", policy=policy, by=by)
        except ModelwardError:
            return
        assert release.policy in self.governing()
        assert policy in (None, release.policy)
        self.proposed[release.id] = (by.id, release.policy)

    @precondition(lambda self: self.proposed)
    @rule(data=st.data(), by=people)
    def approve(self, data, by):
        drawn = data.draw(st.sampled_from(sorted(self.proposed)))
        try:
            self.releases.approve(drawn, reason="yes", by=by)
        except ModelwardError:
            return
        self.approved.setdefault(drawn, set()).add(by.id)

    @precondition(lambda self: self.proposed)
    @rule(data=st.data(), by=people, verb=st.sampled_from(["promote", "promote", "promote", "refuse"]))
    def promote_or_refuse(self, data, by, verb):
        drawn = data.draw(st.sampled_from(sorted(self.proposed)))
        try:
            self.releases.promote(drawn, by=by) if verb == "promote" else self.releases.refuse(drawn, reason="no", by=by)
        except ModelwardError:
            return
        if verb == "promote" and drawn not in self.paused:
            assert self.proposed[drawn][1] in self.governing()
        self.paused.discard(drawn)

    @precondition(lambda self: self.proposed)
    @rule(data=st.data(), by=people)
    def pause(self, data, by):
        drawn = data.draw(st.sampled_from(sorted(self.proposed)))
        try:
            self.releases.pause(drawn, reason="wrong units", by=by)
        except ModelwardError:
            return
        assert self.releases.live() == {}
        self.paused.add(drawn)

    @rule(by=people)
    def roll_back(self, by):
        try:
            back = self.releases.roll_back("income", by=by)
        except ModelwardError:
            return
        assert back.id not in self.paused, "what a person took offline comes back by promoting it alone"

    @invariant()
    def nothing_is_live_that_may_not_be(self):
        live = [release for release in self.releases.list(by=ADMIN) if release.state is ReleaseState.LIVE]
        standing = [release for release in self.releases.list(by=ADMIN) if release.state in ("live", "paused")]
        assert len(standing) <= 1
        assert {release.model: release for release in standing} == self.releases.standing()
        for release in standing:
            self.releases.must_be_on_record(release)
        assert {release.model: release for release in live} == self.releases.live()
        for release in live:
            proposer, policy = self.proposed[release.id]
            assert self.known[release.version]
            assert len(self.approved.get(release.id, set()) - {proposer}) >= (2 if policy == "two-people" else 0)
            assert all(decision.is_passed for decision in release.decisions)
            assert len(release.decisions) == 2


TestGate = Gate.TestCase
TestGate.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
