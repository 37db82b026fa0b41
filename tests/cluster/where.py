"""Where a test of this folder may run."""

from __future__ import annotations

import pytest

EMBEDDED = "embedded"
REAL = pytest.param("real", marks=pytest.mark.cluster)
only_on_a_real_cluster = pytest.mark.parametrize("cluster", [REAL], indirect=True, scope="session")
"""For what only a real kernel or API server can show."""
