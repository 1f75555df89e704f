"""speechmatics-tts: its minting."""

from __future__ import annotations

import jwt
import pytest
from credentials import Expired
from credentials import Keys
from refusals import minting
from speechmatics.tts import AuthenticationError
from speechmatics.tts import JWTAuth
from voxgate import Voxgate


async def test_a_key_for_speaking_is_minted(voxgate: Voxgate, keys: Keys) -> None:
    headers = await JWTAuth(keys.tts, mp_url=voxgate.management_url, ttl=300).get_auth_headers()
    scheme, _, token = headers["Authorization"].partition(" ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert scheme == "Bearer"
    assert claims["product"] == "tts"
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("mistyped", 401, "credential_unknown"),
        ("revoked", 401, "credential_revoked"),
        ("expired", 401, "credential_expired"),
        ("temporary", 403, "cannot_mint"),
        ("wrong_product", 403, "wrong_product"),
        ("wrong_area", 403, "wrong_area"),
    ],
)
async def test_minting_is_refused_with_our_reason(
    voxgate: Voxgate, keys: Keys, expired: Expired, case: str, status: int, reason: str
) -> None:
    server, key = {
        "mistyped": (voxgate, keys.mistyped),
        "revoked": (voxgate, keys.revoked),
        "expired": (expired.server, expired.batch),
        "temporary": (voxgate, voxgate.mint(keys.tts, "tts")),
        "wrong_product": (voxgate, keys.rt_only),
        "wrong_area": (voxgate, voxgate.create_key("usa, speaks", areas=("usa",), products=("tts",)).secret),
    }[case]
    with pytest.raises(AuthenticationError) as refusal:
        await JWTAuth(key, mp_url=server.management_url).get_auth_headers()
    assert type(refusal.value) is AuthenticationError
    got, body = minting(refusal.value)
    assert (got, body["reason"]) == (status, reason)


def test_without_a_key_the_library_mints_nothing(voxgate: Voxgate) -> None:
    with pytest.raises(ValueError, match="API key required"):
        JWTAuth(mp_url=voxgate.management_url)
