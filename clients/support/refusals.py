"""How a refusal looks in the libraries that show its text."""

from __future__ import annotations

import json
import re
from typing import Any

# What the sentence of each reason has to say; the sentences themselves are the product's.
IN_BAND = {
    "none": r"(?i)credential|key",
    "mistyped": r"(?i)signature|valid|signed",
    "api_key_in_url": r"(?i)API key.*(Authorization|temporary key)",
    "revoked": r"(?i)revoked",
    "expired": r"(?i)expired",
    "wrong_product": r"(?i)(batch.*(rt|realtime))|((rt|realtime).*batch)",
    "wrong_area": r"(?i)\beu",
}


def minting(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer that a Python library shows when minting failed."""
    shown = re.search(r"Failed to generate JWT: HTTP (\d+): (\{.*\})$", str(error))
    assert shown, f"no answer in: {error}"
    return int(shown[1]), json.loads(shown[2])
