# SPDX-License-Identifier: Apache-2.0
"""Routes of data."""

from __future__ import annotations

import msgspec

from modelward.access import Permission
from modelward.datasets import Dataset, Profile, Sharding, Shards, Shredded, Split, SplitSummary, Task
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name
from modelward.storage import KeyStanding


class NewDataset(msgspec.Struct, forbid_unknown_fields=True):
    """What is said about the files of a dataset."""

    name: Name
    purpose: str
    owner: str
    target: str = ""
    positive: str = ""
    sensitive: list[str] = []
    license: str = ""
    task: Task = "classes"
    user: str = ""
    time: str = ""


def _add(call: Call) -> Dataset:
    new: NewDataset = call.body
    return call.platform.datasets.add(
        new.name,
        call.files,
        target=new.target,
        positive=new.positive,
        sensitive=new.sensitive,
        purpose=new.purpose,
        owner=new.owner,
        license=new.license,
        task=new.task,
        user=new.user,
        time=new.time,
        by=call.actor,
    )


class Shred(msgspec.Struct, forbid_unknown_fields=True):
    """Why the data has to go."""

    reason: str


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/datasets",
        Permission.DATA_READ,
        lambda call: call.platform.datasets.list(by=call.actor),
        "List datasets.",
        list[Dataset],
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets",
        Permission.DATA_WRITE,
        _add,
        "Register a table: profiled, fingerprinted, encrypted.",
        Dataset,
        takes=NewDataset,
        has_files=True,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api/v1/datasets/{name}",
        Permission.DATA_READ,
        lambda call: call.platform.datasets.show(call.path["name"], by=call.actor),
        "Show a dataset and its columns.",
        Dataset,
    ),
    Endpoint(
        "GET",
        "/api/v1/datasets/{name}/profile",
        Permission.DATA_READ,
        lambda call: call.platform.datasets.profile(call.path["name"], by=call.actor),
        "Show what was found in the data.",
        Profile,
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/shred",
        Permission.DATA_READ,
        lambda call: call.platform.shredding.shred(call.path["name"], reason=call.body.reason, by=call.actor),
        "Destroy the keys of a dataset, so that nobody can read it again.",
        Shredded,
        takes=Shred,
        besides="`data:shred` or having registered it",
    ),
    Endpoint(
        "GET",
        "/api/v1/datasets/{name}/keys",
        Permission.DATA_READ,
        lambda call: call.platform.shredding.keys(call.path["name"], by=call.actor),
        "Say of each key of a dataset whether it is there or destroyed.",
        list[KeyStanding],
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/split",
        Permission.DATA_READ,
        lambda call: call.platform.datasets.split(call.path["name"], call.body, by=call.actor),
        "See how a split would divide the data.",
        SplitSummary,
        takes=Split,
    ),
    Endpoint(
        "POST",
        "/api/v1/datasets/{name}/shards",
        Permission.DATA_WRITE,
        lambda call: call.platform.datasets.shard(call.path["name"], call.body, by=call.actor),
        "Divide the data into datasets of their own.",
        Shards,
        takes=Sharding,
        status=201,
        besides="`data:read`",
    ),
)
