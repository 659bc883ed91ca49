# SPDX-License-Identifier: Apache-2.0
"""What the terminal says of people and their keys."""


def test_the_key_of_a_tenant_is_said_to_reach_the_models_of_that_tenant(fresh):
    assert fresh("tenants", "add", "north").code == 0
    made = fresh("keys", "create", "--name", "north-till", "--role", "caller", "--tenant", "north")
    assert fresh("keys", "create", "--name", "till", "--role", "caller").code == 0
    assert fresh("keys", "create", "--name", "desk", "--role", "caller", "--models", "income").code == 0
    rows = {line.split()[1]: " ".join(line.split()) for line in fresh("keys", "list").out.splitlines() if "caller" in line}
    assert "every model of north" in rows["north-till"]
    assert "every model" in rows["till"]
    assert "every model of" not in rows["till"]
    assert "caller income" in rows["desk"]
    assert "every model of north" in " ".join(made.out.split())
    explained = " ".join(fresh("access", "explain", "north-till", "models:predict", "north-income").out.split())
    assert "every model of north" in explained
    key = next(each for each in fresh("keys", "list", "--json").json if each["name"] == "north-till")
    assert (key["models"], key["tenant"]) == (None, "north")
