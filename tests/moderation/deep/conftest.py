"""The libraries read this when they are imported, and they are imported by the modules of this folder."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
