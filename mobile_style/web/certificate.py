"""A self-signed certificate for one address of this machine, kept for a year so that a phone warns only once."""

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..files import CACHE, writing

FOLDER = CACHE / "certificates"
LIFE = timedelta(days=365)
LEFT = timedelta(days=7)  # a certificate that expires sooner is replaced


def certificate(address: str) -> tuple[Path, Path]:
    """The (key, certificate) files for an IP address, made if needed; only their owner can read the key.

    Raises:
        OutputError: they cannot be written.
    """
    name = address.replace(":", "_")
    key, chain = FOLDER / f"{name}.key", FOLDER / f"{name}.pem"
    if not _usable(key, chain):
        _make(address, key, chain)
    return key, chain


def _usable(key: Path, chain: Path) -> bool:
    try:
        made = x509.load_pem_x509_certificate(chain.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    return made.public_key() == private.public_key() and made.not_valid_after_utc - _now() > LEFT


def _make(address: str, key: Path, chain: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mobile-style serve")])
    alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - timedelta(days=1))
        .not_valid_after(_now() + LIFE)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with writing(key) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(secret)
    with writing(chain) as temporary:
        temporary.write_bytes(made.public_bytes(pem))


def _now() -> datetime:
    return datetime.now(timezone.utc)
