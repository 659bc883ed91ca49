# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import msgspec.inspect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.errors import InvalidError
from modelward.settings import InvalidSettingError, Settings, environment_of, find_home, limits_of, read_settings, variable

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
FIELDS = {field.name: field for field in msgspec.inspect.type_info(Settings).fields}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_without_a_variable_every_setting_has_its_default(tmp_path):
    assert read_settings({}) == Settings(home=tmp_path / ".modelward")


def test_a_variable_sets_its_setting():
    read = read_settings(
        {"MODELWARD_PORT": "0", "MODELWARD_REFRESH_SECONDS": "0.25", "MODELWARD_LOG_LEVEL": "debug", "MODELWARD_HOST": "::1"}
    )
    assert (read.port, read.refresh_seconds, read.log_level, read.host) == (0, 0.25, "debug", "::1")


def test_the_environment_of_the_process_is_read(monkeypatch):
    monkeypatch.setenv("MODELWARD_PORT", "9000")
    assert read_settings().port == 9000


def test_variables_of_others_are_left_alone():
    assert read_settings({"PORT": "1", "MODELWARD_URL": "x", "modelward_port": "2"}).port == 8321


WRONG = [
    ("MODELWARD_PORT", "http"),
    ("MODELWARD_PORT", ""),
    ("MODELWARD_PORT", "-1"),
    ("MODELWARD_PORT", "65536"),
    ("MODELWARD_PORT", "80.5"),
    ("MODELWARD_ROWS_LIMIT", "0"),
    ("MODELWARD_JSON_DEPTH_LIMIT", "201"),
    ("MODELWARD_REQUEST_TIMEOUT_SECONDS", "0"),
    ("MODELWARD_REQUEST_TIMEOUT_SECONDS", "nan"),
    ("MODELWARD_REQUEST_TIMEOUT_SECONDS", "inf"),
    ("MODELWARD_SESSION_SECONDS", "9" * 30),
    ("MODELWARD_LOG_LEVEL", "loud"),
    ("MODELWARD_LOG_LEVEL", "info\n"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_with_variable_value_and_limits(name, value):
    with pytest.raises(InvalidSettingError) as caught:
        read_settings({name: value})
    message = str(caught.value)
    assert isinstance(caught.value, InvalidError)
    assert message.startswith(f"{name} is {value!r}")
    assert limits_of(name.removeprefix("MODELWARD_").lower()) in message
    assert "docs/reference/settings.md" in message


@given(value=st.text(max_size=20), name=st.sampled_from(sorted(FIELDS)))
def test_any_value_is_taken_or_refused_and_never_anything_else(name, value):
    try:
        read_settings({variable(name): value.replace("\0", "")})
    except InvalidSettingError as refused:
        assert variable(name) in str(refused)  # noqa: PT017 - whether it is refused depends on the value


@pytest.mark.parametrize("name", ["MODELWARD_HOME", "MODELWARD_KEYS"])
def test_a_path_of_a_user_that_nobody_is_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert read_settings({name: "~/x"}) in (
        Settings(home=tmp_path / "me" / "x"),
        Settings(home=tmp_path / ".modelward", keys=str(tmp_path / "me" / "x")),
    )
    with pytest.raises(InvalidSettingError, match=f"{name} is '~no-such-user/x'"):
        read_settings({name: "~no-such-user/x"})


def test_the_home_is_the_nearest_one_upward(tmp_path, monkeypatch):
    (tmp_path / ".modelward").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_home(below) == tmp_path / ".modelward"
    (tmp_path / "a" / ".modelward").mkdir()
    assert find_home(below) == tmp_path / "a" / ".modelward"
    monkeypatch.chdir(below)
    assert read_settings({}).home == tmp_path / "a" / ".modelward"


def test_a_file_of_that_name_is_no_home(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".modelward").write_text("")
    (tmp_path / ".modelward").mkdir()
    assert find_home(tmp_path / "a") == tmp_path / ".modelward"


def test_an_option_wins_over_the_variable_and_the_variable_over_the_nearest(tmp_path):
    (tmp_path / ".modelward").mkdir()
    assert read_settings({"MODELWARD_HOME": "given"}).home == tmp_path / "given"
    assert read_settings({"MODELWARD_HOME": ""}).home == tmp_path / ".modelward"
    assert read_settings({"MODELWARD_HOME": "given"}, home=Path("option")).home == tmp_path / "option"


def test_the_keyring_lies_in_the_home_or_where_the_setting_says(tmp_path):
    assert read_settings({}).keyring_path == tmp_path / ".modelward" / "keys.json"
    assert read_settings({"MODELWARD_KEYS": "elsewhere/k.json"}).keyring_path == tmp_path / "elsewhere" / "k.json"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keys": "/elsewhere/k.json", "database_url": "sqlite:////there/x.db", "host": "::1", "port": 0, "workers": 4},
        {"refresh_seconds": 0.1, "batch_delay_seconds": 1e-7, "log_level": "debug", "seat": "/run/0.json", "inflight_limit": 1},
    ],
)
def test_settings_pass_through_the_environment_unchanged(tmp_path, changes):
    given = Settings(home=tmp_path / "a home", **changes)
    assert read_settings(environment_of(given)) == given


def expected_rows() -> list[str]:
    rows = []
    for name, field in FIELDS.items():
        default = f"`{field.default}`" if str(field.default) else "empty"
        rows.append(f"| `{variable(name)}` | {default} | {limits_of(name)} | {field.type.extra_json_schema['description']} |")
    return rows


def test_the_page_lists_every_setting_with_default_limits_and_meaning():
    listed = re.findall(r"^\| `MODELWARD_.*$", PAGE.read_text(), re.M)
    assert listed == expected_rows(), "write this into the page:\n" + "\n".join(expected_rows())
