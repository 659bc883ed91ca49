# SPDX-License-Identifier: Apache-2.0
"""Datasets keeps tables: read from files, recognised, profiled, fingerprinted, encrypted; and divides them for training."""

from modelward.datasets.allotting import UndividedError, partition
from modelward.datasets.budget import (
    EPSILON_LIMIT,
    Budget,
    BudgetAlteredError,
    InvalidBudgetError,
    Limit,
    NoiseRequiredError,
    OverspentError,
    Spending,
    SpendingMissingError,
    SpendingSettledError,
    Unbounded,
)
from modelward.datasets.budgets import Budgets
from modelward.datasets.class_folders import is_image
from modelward.datasets.clusters import Clusters, compared, find_clusters
from modelward.datasets.dataset import (
    FIELD_LIMIT_CHARACTERS,
    MISSING,
    Column,
    ColumnKind,
    Dataset,
    DatasetChangedError,
    DatasetExistsError,
    DatasetMissingError,
    DatasetShreddedError,
    FileTooLargeError,
    InvalidDeclarationError,
    Shredded,
    UnreadableFileError,
    UnusableTableError,
)
from modelward.datasets.declaration import Task, favourable_class
from modelward.datasets.deidentifying import Deidentifying
from modelward.datasets.derived import (
    Anonymising,
    Anonymity,
    Attack,
    Deidentification,
    Forgotten,
    HiddenColumn,
    Hiding,
    InvalidHidingError,
    NoPseudonymsError,
    NotAnonymousError,
    Reidentified,
    anonymising,
    columns_of,
)
from modelward.datasets.erasing import Erasing
from modelward.datasets.erasure import (
    DatasetErasedError,
    Erased,
    ErasedMeanwhileError,
    ErasedPart,
    NotErasableError,
    NothingToEraseError,
    RecordedErasure,
    Seen,
    seen_in,
)
from modelward.datasets.fingerprint import fingerprint
from modelward.datasets.grant import (
    Grant,
    GrantEndedError,
    GrantMissingError,
    InvalidGrantError,
    NoSuchGrantError,
    OutsideGrantError,
)
from modelward.datasets.grantable import notes_on
from modelward.datasets.granting import READS_SHOWN, Grants
from modelward.datasets.interactions import Log, Sequences, sequences
from modelward.datasets.neighbours import Neighbours, find_neighbours, step_weights
from modelward.datasets.profile import WARNINGS, ColumnProfile, Profile, ProfileWarning, SeriesProfile, ValueCount, counts_rows
from modelward.datasets.reader import Reader
from modelward.datasets.readers import READERS
from modelward.datasets.reading import parse_table, read_bytes
from modelward.datasets.readings import Reading
from modelward.datasets.row_filter import InvalidFilterError, RowFilter
from modelward.datasets.samples import SAMPLES, Sample, SampleChangedError, SampleUnavailableError, UnknownSampleError, fetch_sample
from modelward.datasets.service import Datasets
from modelward.datasets.sharding import Sharding, Shards, ShardsOfTenantError
from modelward.datasets.shredding import Shredding
from modelward.datasets.splits import InvalidSplitError, Parts, Split, SplitSummary, class_codes, class_labels, make_split
from modelward.datasets.statistic import Figure, InvalidStatisticError, NoisyAnswer, Question
from modelward.datasets.statistics import Statistics
from modelward.datasets.table import Table, frame_of
from modelward.datasets.tracing import Records
from modelward.datasets.view import View

__all__ = [
    "EPSILON_LIMIT",
    "FIELD_LIMIT_CHARACTERS",
    "MISSING",
    "READERS",
    "READS_SHOWN",
    "SAMPLES",
    "WARNINGS",
    "Anonymising",
    "Anonymity",
    "Attack",
    "Budget",
    "BudgetAlteredError",
    "Budgets",
    "Clusters",
    "Column",
    "ColumnKind",
    "ColumnProfile",
    "Dataset",
    "DatasetChangedError",
    "DatasetErasedError",
    "DatasetExistsError",
    "DatasetMissingError",
    "DatasetShreddedError",
    "Datasets",
    "Deidentification",
    "Deidentifying",
    "Erased",
    "ErasedMeanwhileError",
    "ErasedPart",
    "Erasing",
    "Figure",
    "FileTooLargeError",
    "Forgotten",
    "Grant",
    "GrantEndedError",
    "GrantMissingError",
    "Grants",
    "HiddenColumn",
    "Hiding",
    "InvalidBudgetError",
    "InvalidDeclarationError",
    "InvalidFilterError",
    "InvalidGrantError",
    "InvalidHidingError",
    "InvalidSplitError",
    "InvalidStatisticError",
    "Limit",
    "Log",
    "Neighbours",
    "NoPseudonymsError",
    "NoSuchGrantError",
    "NoiseRequiredError",
    "NoisyAnswer",
    "NotAnonymousError",
    "NotErasableError",
    "NothingToEraseError",
    "OutsideGrantError",
    "OverspentError",
    "Parts",
    "Profile",
    "ProfileWarning",
    "Question",
    "Reader",
    "Reading",
    "RecordedErasure",
    "Records",
    "Reidentified",
    "RowFilter",
    "Sample",
    "SampleChangedError",
    "SampleUnavailableError",
    "Seen",
    "Sequences",
    "SeriesProfile",
    "Sharding",
    "Shards",
    "ShardsOfTenantError",
    "Shredded",
    "Shredding",
    "Spending",
    "SpendingMissingError",
    "SpendingSettledError",
    "Split",
    "SplitSummary",
    "Statistics",
    "Table",
    "Task",
    "Unbounded",
    "UndividedError",
    "UnknownSampleError",
    "UnreadableFileError",
    "UnusableTableError",
    "ValueCount",
    "View",
    "anonymising",
    "class_codes",
    "class_labels",
    "columns_of",
    "compared",
    "counts_rows",
    "favourable_class",
    "fetch_sample",
    "find_clusters",
    "find_neighbours",
    "fingerprint",
    "frame_of",
    "is_image",
    "make_split",
    "notes_on",
    "parse_table",
    "partition",
    "read_bytes",
    "seen_in",
    "sequences",
    "step_weights",
]
