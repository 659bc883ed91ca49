# SPDX-License-Identifier: Apache-2.0
"""The readers of data files, by format."""

from modelward.plugins import PluginTable

READERS = PluginTable(
    family="readers",
    places={
        "delimited": "modelward.datasets.readers.delimited:DelimitedReader",
        "excel": "modelward.datasets.readers.excel:ExcelReader",
        "parquet": "modelward.datasets.readers.parquet:ParquetReader",
    },
)
