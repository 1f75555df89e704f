"""PyJWT: a temporary key verifies by `/.well-known/jwks.json` alone."""

from __future__ import annotations

import jwt
import pytest
from voxgate import Voxgate
from voxgate import mistyped


def test_pyjwt_verifies_by_the_published_keys(voxgate: Voxgate) -> None:
    token = voxgate.mint(voxgate.api_key, "rt", ttl=60, client_ref="alice")
    published = jwt.PyJWKClient(f"{voxgate.management_url}/.well-known/jwks.json")
    key = published.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="eu")
    assert claims["exp"] - claims["iat"] == 60
    assert (claims["product"], claims["client_ref"]) == ("rt", "alice")
    assert jwt.get_unverified_header(token)["typ"] == "temporary-key+jwt"

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(mistyped(token), key, algorithms=["EdDSA"], audience="eu")
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["EdDSA"], audience="usa")
