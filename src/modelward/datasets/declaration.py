# SPDX-License-Identifier: Apache-2.0
"""What is declared about a table, checked against it: the target to predict, the sensitive columns, purpose and owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelward.access import names_purpose
from modelward.datasets.dataset import CLASSES_LIMIT, LEAST_ROWS, Column, ColumnKind, InvalidDeclarationError, UnusableTableError
from modelward.datasets.interactions import Log
from modelward.datasets.layout import nearest, quoted, unknown_column
from modelward.datasets.table import Table

TEXT_LIMIT = 500
Task = Literal["classes", "text", "items", "none"]
"""What a table is for: its target is one of a few classes; a text, which a model is to write; one of many items, as in a log of who
took what; or there is no target.
"""
TASKS: tuple[Task, ...] = ("classes", "text", "items", "none")
_LARGEST_CLASS = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What somebody says of the data they register. `target` is "" where the task is none. `user` and `time` are columns of a log
    of interactions, whose target is the item.

    Raises:
        InvalidDeclarationError: purpose or owner is empty, a text is too long, a sensitive column is named twice, there is no such
            task, or the task needs a target, a user or a time and has none, or the other way round.
    """

    target: str
    sensitive: tuple[str, ...]
    purpose: str
    owner: str
    license: str
    task: Task = "classes"
    user: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise InvalidDeclarationError(
                f"Data is for {', '.join(TASKS)}, and not for {str(self.task)[:40]!r}. Say which, `--task`."
            )
        if (self.task == "none") != (not self.target):
            what = "has no target: leave `--target` out" if self.target else "needs a target: name the column with `--target`"
            raise InvalidDeclarationError(f"The task {self.task!r} {what}, or say another task with `--task`.")
        for option, column in {"user": self.user, "time": self.time}.items():
            if (self.task == "items") != bool(column):
                what = (
                    f"has no {option}: leave `--{option}` out" if column else f"needs a {option}: name the column with `--{option}`"
                )
                raise InvalidDeclarationError(f"The task {self.task!r} {what}, or say another task with `--task`.")
        for what, text in {"purpose": self.purpose, "owner": self.owner}.items():
            if not text.strip():
                raise InvalidDeclarationError(f"The {what} is empty. Say it with `--{what}`: data has one from the start.")
        for what, text in {"purpose": self.purpose, "owner": self.owner, "license": self.license}.items():
            if len(text) > TEXT_LIMIT or not text.isprintable():
                raise InvalidDeclarationError(f"The {what} is longer than {TEXT_LIMIT} characters, or not one line. Shorten it.")
        if len(set(self.sensitive)) < len(self.sensitive):
            raise InvalidDeclarationError(f"A sensitive column is named twice in {quoted(self.sensitive)}. Name each once.")

    @property
    def log(self) -> Log | None:
        """The columns that make the table a log of interactions, where it is one."""
        return Log(user=self.user, time=self.time) if self.task == "items" else None


def check_names(declared: Declaration, names: Sequence[str]) -> None:
    """The purpose names one, and the target and the sensitive columns are there.

    Raises:
        InvalidDeclarationError: one is not; of a column the message names the nearest.
    """
    if not names_purpose(declared.purpose):
        raise InvalidDeclarationError(
            f"{declared.purpose[:80]!r} names no purpose. Say what the data may be used for, `--purpose`."
        )
    named = {"target": declared.target, "user": declared.user, "time": declared.time}
    targets = [(what, name) for what, name in named.items() if name]
    if len({name for _, name in targets}) < len(targets):
        raise InvalidDeclarationError("Target, user and time are three columns. Name another for each.")
    for what, name in (*targets, *(("sensitive column", name) for name in declared.sensitive)):
        if name not in names:
            raise InvalidDeclarationError(f"The {what} is not in the data. {unknown_column(name, names)}")
    if declared.target in declared.sensitive:
        raise InvalidDeclarationError(
            f"Column {declared.target!r} is declared target and sensitive. A model predicts it or is fair with respect to it."
        )


def favourable_class(classes: Mapping[str, int], *, stated: str = "") -> str:
    """The favourable (positive) one of two classes: what was stated, else the one of fewer rows, of equals the second.

    `classes` gives the rows of each. Of more than two none is favourable: "".

    Raises:
        InvalidDeclarationError: what was stated is none of the classes, or there are more than two.
    """
    if stated and len(classes) != 2:
        raise InvalidDeclarationError(
            f"{stated[:80]!r} cannot be the favourable class: the target has {len(classes)} classes, and one of two is favourable. "
            "Leave it out, or choose a target of two classes with `--target`."
        )
    if stated and stated not in classes:
        near = nearest(stated[:80], list(classes))
        meant = f"Did you mean {near!r}? " if near else ""
        raise InvalidDeclarationError(
            f"{stated[:80]!r} cannot be the favourable class: no row has it. {meant}The classes are {quoted(list(classes))}; "
            "state one of them with `--positive`, or none."
        )
    if stated or len(classes) != 2:
        return stated
    first, second = classes
    return first if classes[first] < classes[second] else second


def check_table(table: Table, columns: Sequence[Column], *, target: str, task: Task = "classes") -> None:
    """The table can be learned from, as its task has it.

    Raises:
        UnusableTableError: too few rows, a column without any value, or a target that is missing in places, is constant, has too
            many values to be classes, or holds no texts where texts are to be written.
    """
    if table.height < LEAST_ROWS:
        raise UnusableTableError(f"The table has {table.height} rows; at least {LEAST_ROWS} are needed. Collect more.")
    if empty := [column.name for column in columns if table.get_column(column.name).null_count() == table.height]:
        raise UnusableTableError(f"All values are missing in column {quoted(empty)}. Leave it out of the file.")
    if task == "none":
        return
    labels = table.get_column(target)
    if unlabelled := labels.null_count():
        raise UnusableTableError(
            f"The target {target!r} is missing in {unlabelled:,} of {table.height:,} rows. Leave these rows out, or label them."
        )
    kind = next(column.kind for column in columns if column.name == target)
    if kind is ColumnKind.IMAGE:
        raise UnusableTableError(
            f"The target {target!r} holds images, and classes are what is predicted. Name the column of classes."
        )
    if task == "text" and kind not in {ColumnKind.TEXT, ColumnKind.CATEGORY}:
        raise UnusableTableError(
            f"The target {target!r} is a {kind}, and the task is to write texts. Choose another target, or leave `--task` out."
        )
    if task != "classes":
        return
    _check_classes(target, kind, labels.n_unique())
    if kind is ColumnKind.NUMBER and not bool(((labels == labels.round()) & (labels.abs() < _LARGEST_CLASS)).all()):
        raise UnusableTableError(
            f"The target {target!r} holds fractions or very large numbers, and classes are what is predicted. Write a class in "
            "each row, for instance by cutting the range into bands."
        )


def _check_classes(target: str, kind: ColumnKind, classes: int) -> None:
    if classes == 1:
        raise UnusableTableError(f"The target {target!r} has the same value in every row: there is nothing to learn. Add others.")
    if kind is ColumnKind.DATE or classes > CLASSES_LIMIT:
        raise UnusableTableError(
            f"The target {target!r} is a {kind} with {classes:,} different values; at most {CLASSES_LIMIT} classes are learned. "
            "Choose another target, or group its values."
        )
