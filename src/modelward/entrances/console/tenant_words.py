# SPDX-License-Identifier: Apache-2.0
"""The words of the pages of tenants in Chinese."""

from __future__ import annotations

TENANT_WORDS = {
    "Tenant": "租户",
    "Tenants": "租户",
    "Parts of the house that see only their own people, keys, data and models: all that is called by a name that begins with "
    "theirs.": "只看得到自己的人员、密钥、数据和模型的部分：凡名称以其名开头的都归其所有。",
    "There is no tenant: whoever comes in is of the house, and sees as much as their role allows.": (
        "没有租户：进入的人都属于本机构，能看到其角色所允许的一切。"
    ),
    "Add a tenant": "添加租户",
    "Without a hyphen: what is called north-… is then of north.": "不含连字符：名为 north-… 的都归 north 所有。",
    "Whatever is called {name}-… is its own.": "凡名为 {name}-… 的都归其所有。",
    "Added": "添加于",
    "Remove the tenant": "移除租户",
    "People or keys of it still come in. Remove the people and revoke the keys first.": (
        "仍有属于它的人员或密钥可以进入。请先移除人员并吊销密钥。"
    ),
    "Its data and its models become the house’s: whoever is of the house sees them as their role allows, and no other tenant "
    "does.": "其数据和模型将归本机构所有：本机构的人可按角色查看，其他租户不能。",
    "Nobody can be added to it any more. Whoever was of it has gone already.": "此后不能再向它添加任何人。原属它的人均已离开。",
    "the house itself": "本机构",
    "A name that begins with the tenant’s and a hyphen, such as north-ada.": "名称以租户名加连字符开头，例如 north-ada。",
}
