"""What the tests of all Python libraries share: two servers, and every kind of bad credential."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

# The legacy library reads a file in the home folder when it is imported, and all of them read the environment: neither may
# decide what is tested.
for variable in [name for name in os.environ if name.startswith(("SPEECHMATICS_", "SM_"))]:
    del os.environ[variable]
os.environ["HOME"] = os.devnull

import pytest
from credentials import Expired
from credentials import Keys
from credentials import Orphans
from sound import as_wav
from sound import tone_bursts
from voxgate import Voxgate


@pytest.fixture(scope="session")
def voxgate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voxgate]:
    """`voxgate dev` as anyone starts it."""
    server = Voxgate(tmp_path_factory.mktemp("voxgate"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def expired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Expired]:
    """Temporary keys that lived for one second, on a server that mints such keys."""
    server = Voxgate(tmp_path_factory.mktemp("short"), "--ttl-min-seconds", "1", "--idle-seconds-max", "8")
    yield Expired.of(server)
    server.stop()


@pytest.fixture(scope="session")
def keys(voxgate: Voxgate) -> Keys:
    return Keys.of(voxgate)


@pytest.fixture(scope="session")
def orphans(voxgate: Voxgate) -> Orphans:
    return Orphans.of(voxgate)


@pytest.fixture(scope="session")
def samples() -> bytes:
    return tone_bursts()


@pytest.fixture(scope="session")
def wav(tmp_path_factory: pytest.TempPathFactory, samples: bytes) -> Path:
    path = tmp_path_factory.mktemp("sound") / "bursts.wav"
    path.write_bytes(as_wav(samples))
    return path
