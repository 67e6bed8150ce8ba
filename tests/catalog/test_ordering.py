"""The order of runs on each database is that of a plain sort, and what runs are sorted by is read off an index."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from dotscience.catalog.listing import find_runs
from dotscience.catalog.place import Place
from dotscience.catalog.texts import escape

from .conftest import START

if TYPE_CHECKING:
    from .conftest import Team
