"""How a refusal looks in the libraries that show its text."""

from __future__ import annotations

import json
import re
from typing import Any

# What the sentence of each refusal says.
IN_BAND = {
    "none": r"jwt parameter is empty",
    "mistyped": r"the temporary key is not valid",
    "api_key_in_url": r"a long-lived key was sent in \?jwt=.*Authorization header",
    "revoked": r"the API key that minted this temporary key was revoked",
    "expired": r"the temporary key expired at .*: mint a new one",
    "wrong_product": r"this temporary key is for batch; this endpoint needs rt: mint it with \?type=rt",
    "wrong_area": r"this temporary key works in area eu; this endpoint is us1 in area usa",
}


def minting(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer that a Python library shows when minting failed."""
    shown = re.search(r"Failed to generate JWT: HTTP (\d+): (\{.*\})$", str(error))
    assert shown, f"no answer in: {error}"
    return int(shown[1]), json.loads(shown[2])
