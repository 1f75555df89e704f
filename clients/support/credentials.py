"""Every kind of credential that a client can come with, good and bad."""

from __future__ import annotations

from dataclasses import dataclass

from voxgate import Voxgate
from voxgate import mistyped
from voxgate import wait_until


@dataclass(frozen=True)
class Keys:
    """API keys: bad ones, and good ones with narrow rights."""

    mistyped: str
    revoked: str
    batch_only: str
    rt_only: str
    tts: str
    usa: str

    @classmethod
    def of(cls, server: Voxgate) -> Keys:
        return cls(
            mistyped=mistyped(server.api_key),
            revoked=server.revoked_key("revoked").secret,
            batch_only=server.create_key("batch only", products=("batch",)).secret,
            rt_only=server.create_key("rt only", products=("rt",)).secret,
            tts=server.create_key("speaks", products=("tts",)).secret,
            usa=server.create_key("usa", areas=("usa",)).secret,
        )


@dataclass(frozen=True)
class Expired:
    """Temporary keys whose time is over, on the server that made them."""

    server: Voxgate
    batch: str
    rt: str

    @classmethod
    def of(cls, server: Voxgate) -> Expired:
        """The server has to mint keys of one second."""
        rt = server.mint(server.api_key, "rt", ttl=1)
        batch = server.mint(server.api_key, "batch", ttl=1)
        assert server.jobs(batch).status_code == 200, "good while it lasts"
        # The key's second and the leeway of five have to pass. The `rt` key was made first, so it is over too.
        wait_until("the expiry of a key of one second", lambda: server.jobs(batch).status_code == 401)
        return cls(server, batch, rt)


@dataclass(frozen=True)
class Orphans:
    """Temporary keys whose API key was revoked after they were made."""

    batch: str
    rt: str

    @classmethod
    def of(cls, server: Voxgate) -> Orphans:
        parent = server.create_key("parent")
        orphans = cls(server.mint(parent.secret, "batch"), server.mint(parent.secret, "rt"))
        assert server.jobs(orphans.batch).status_code == 200, "good while its API key lasts"
        server.revoke_key(parent)
        return orphans
