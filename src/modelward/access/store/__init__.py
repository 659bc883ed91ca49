# SPDX-License-Identifier: Apache-2.0
"""What access keeps in the database, one file for each noun; every row is sealed, and a secret is a row only as its keyed hash."""
