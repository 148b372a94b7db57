"""A real nginx with the site that we ship, on a free port of the loopback, with certificates made for the run."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.clock import now
from hub.embedded.ports import LOOPBACK, free_port, is_free
from hub.embedded.process import Process, Program
from tests import debian
from tests.deploy.installed import DEPLOY

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """Serves https://localhost:port; its logs and its certificate are in ``directory``."""

    def __init__(self, directory: Path, *, api: int, flower: int, proxy_secret: str) -> None:
        self.directory = directory
        self.port = free_port()
        places = directory / "hub"
        places.mkdir()
        _self_signed(places / "server.key", self.certificate)
        upstreams = (DEPLOY / "nginx/hub/upstreams.conf").read_text()
        _write(places / "upstreams.conf", upstreams, {":8000": f":{api}", ":5555": f":{flower}"})
        secret = (DEPLOY / "nginx/hub/proxy-secret.conf").read_text()
        _write(places / "proxy-secret.conf", secret, {'""': f'"{proxy_secret}"'})
        operators = (DEPLOY / "nginx/hub/operators.conf").read_text()
        _write(places / "operators.conf", operators, {"10.20.30.0/24": LOOPBACK})
        site = (DEPLOY / "nginx/hub.conf").read_text()
        moved = {
            "listen 443 ": f"listen {LOOPBACK}:{self.port} ",
            "hub.ninhbinh.example": "localhost",
            "/etc/nginx/hub/": f"{places}/",
            "/var/log/nginx/access.log": str(self.log),
        }
        _write(directory / "site.conf", site, moved)
        _write(directory / "nginx.conf", self._main(), {})

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.directory / "hub" / "server.pem"

    @property
    def log(self) -> Path:
        return self.directory / "hub.log"

    def command(self, *words: str) -> tuple[str, ...]:
        return (_binary(), "-p", str(self.directory), "-c", str(self.directory / "nginx.conf"), *words)

    def _main(self) -> str:
        account = "user root;" if os.geteuid() == 0 else ""  # another one could not enter pytest's folders
        temporary = "".join(f"{name}_temp_path {self.directory}/{name};\n" for name in _TEMPORARY)
        return (
            f"{account}\nworker_processes 1;\ndaemon off;\npid {self.directory}/pid;\nerror_log stderr warn;\n"
            f"events {{}}\nhttp {{\n{temporary}include {self.directory}/site.conf;\n}}\n"
        )


@contextmanager
def running(site: Nginx) -> Iterator[None]:
    process = Process(Program(name="nginx", command=site.command(), log=site.directory / "error.log"))
    try:
        process.wait_until(lambda: not is_free(site.port))
        yield
    finally:
        process.stop()


def install() -> str | None:
    """Install nginx where it is missing and we may. None if it is here, else why not."""
    try:
        _binary()
    except FileNotFoundError:
        return debian.install("nginx-light")
    return None


def _binary() -> str:
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise FileNotFoundError("nginx")
    return path


def _write(path: Path, text: str, moved: dict[str, str]) -> None:
    """Raises ValueError where the shipped text does not hold what is to be replaced any more."""
    for shipped, ours in moved.items():
        if shipped not in text:
            raise ValueError(f"{path.name} does not hold {shipped!r}")
        text = text.replace(shipped, ours)
    path.write_text(text)


def _self_signed(key_file: Path, certificate_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(hours=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
