# SPDX-License-Identifier: Apache-2.0
"""The readers of data files, each by the ending of the files that it reads."""

from modelward.plugins import PluginTable

_DELIMITED = "modelward.datasets.readers.delimited:DelimitedReader"
_EXCEL = "modelward.datasets.readers.excel:ExcelReader"

READERS = PluginTable(
    family="readers",
    places={
        "csv": _DELIMITED,
        "tsv": _DELIMITED,
        "txt": _DELIMITED,
        "data": _DELIMITED,
        "xlsx": _EXCEL,
        "xlsm": _EXCEL,
        "xls": _EXCEL,
        "npz": "modelward.datasets.readers.arrays:ArrayReader",
        "zip": "modelward.datasets.readers.archive:ArchiveReader",
        "parquet": "modelward.datasets.readers.parquet:ParquetReader",
    },
)
