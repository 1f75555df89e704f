"""The libraries over https and wss, believing a test's own authority alone; the engine is reached by plain HTTP."""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from voxgate import PROGRAM
from voxgate import Voxgate
from voxgate import wait_until

CLIENT = Path(__file__).resolve().parents[1] / "support/over_tls.py"
CLIENT_SECONDS_MAX = 100


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey, is_authority: bool
) -> bytes:
    """A certificate for a host, or of an authority, for a day."""
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    usage = x509.KeyUsage(not is_authority, False, False, False, False, is_authority, is_authority, False, False)
    builder = builder.add_extension(usage, critical=True)
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Secure:
    """A server over TLS."""

    base: str
    api_key: str
    authority: Path


def run(*arguments: str) -> str:
    done = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def secure(voxgate: Voxgate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """`voxgate serve` with a certificate, in front of the engines of `voxgate dev`: to them it is one more client."""
    folder = tmp_path_factory.mktemp("tls")
    issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    (folder / "authority.pem").write_bytes(certificate("authority of a test", issuer_key, issuer, issuer_key, True))
    (folder / "server.pem").write_bytes(certificate("localhost", key, issuer, issuer_key, False))
    (folder / "server.key").write_bytes(pem_of_key(key))
    (folder / "engine.token").write_text(voxgate.api_key)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config = folder / "voxgate.toml"
    config.write_text(
        f"""
data_dir = "{folder}/data"
[admin]
address = ""
[[listener]]
address = "127.0.0.1:{port}"
serves = "home:eu1"
tls_certificate_file = "{folder}/server.pem"
tls_key_file = "{folder}/server.key"
[regions.eu1]
batch_upstream = "{voxgate.batch_url}"
realtime_upstream = "{voxgate.realtime_url}"
engine_token_file = "{folder}/engine.token"
"""
    )
    log = folder / "stderr.log"
    with log.open("wb") as errors:
        server = subprocess.Popen([str(PROGRAM), "serve", "--config", str(config)], stdin=subprocess.DEVNULL, stderr=errors)
    try:
        wait_until("the server's start", lambda: (folder / "data").exists() and b"ready" in log.read_bytes())
        run("workspaces", "create", "--name", "tls", "--config", str(config))
        made = json.loads(run("keys", "create", "--json", "--config", str(config)))
        yield Secure(f"localhost:{port}", made["key_value"], folder / "authority.pem")
    finally:
        server.terminate()
        server.wait(30)


def client(secure: Secure, wav: Path, authority: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SSL_CERT_FILE": str(authority), "PYTHONPATH": str(CLIENT.parent)}
    command = [sys.executable, str(CLIENT), str(wav), secure.base, secure.api_key]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX)


def test_a_job_and_a_session_over_tls(secure: Secure, wav: Path) -> None:
    """Mint, submit, wait, read; mint, open, speak, hear: all of it over TLS."""
    done = client(secure, wav, secure.authority)
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["text"].strip()
    assert heard["kinds"][0] == "Info" and heard["kinds"][-1] == "EndOfTranscript", heard["kinds"]
    assert "AddTranscript" in heard["kinds"] and "Error" not in heard["kinds"]


def test_another_authority_is_not_believed(secure: Secure, wav: Path, tmp_path: Path) -> None:
    """The control: without our authority the libraries refuse to speak."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    (tmp_path / "other.pem").write_bytes(certificate("somebody else", key, issuer, key, True))
    done = client(secure, wav, tmp_path / "other.pem")
    assert done.returncode != 0
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr, done.stderr
