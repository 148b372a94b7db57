"""The site of deploy/nginx in a real nginx, before the real API and the real Flower: who gets through, as whom."""

import http.client
import json
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hub.embedded.ports import free_port
from hub.embedded.secrets import self_signed
from hub.http import problem_types
from hub.locale import vi
from tests.builders import a_code, a_report, a_submission
from tests.catalogue_secrets import CATALOGUE
from tests.deploy.installed import DEPLOY, a_database, database_url_as
from tests.deploy.nginx import Nginx, install, running
from tests.portal_client import SigningPortal
from tests.stack import ProcessStack, stack

pytestmark = pytest.mark.server_stack

PROXY_SECRET = secrets.token_urlsafe(24)
FLOWER_PASSWORD = secrets.token_urlsafe(24)
PROBLEM = re.compile(r"return (\d+) '(\{.*\})';")


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody with a TLS client certificate: the two files, and the certificate's text."""

    files: tuple[str, str]
    certificate: str

    @property
    def fingerprint(self) -> str:
        return x509.load_pem_x509_certificate(self.certificate.encode()).fingerprint(hashes.SHA256()).hex()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := install():
        pytest.skip(reason)
    return tmp_path_factory.mktemp("nginx")


def client(folder: Path, name: str) -> Client:
    key, certificate = self_signed(name)
    files = (folder / f"{name}.pem", folder / f"{name}.key")
    files[0].write_text(certificate)
    files[1].write_text(key)
    return Client((str(files[0]), str(files[1])), certificate)


@pytest.fixture(scope="module")
def department(folder: Path) -> Client:
    """The department rest-b of these tests, which the catalogue knows by its certificate."""
    return client(folder, "rest-b")


@pytest.fixture(scope="module")
def published_site(folder: Path, department: Client, server: str) -> Iterator[tuple[ProcessStack, Nginx]]:
    flower = free_port()
    with (
        a_database(server, template="hub") as name,
        stack(folder, database_url_as(server, name), "redis://127.0.0.1:1/0") as hub,
    ):
        site = Nginx(folder, api=hub.port, flower=flower, proxy_secret=PROXY_SECRET)
        hub.environment |= {
            "HUB_CATALOGUE": str(certified(folder, department)),
            "HUB_PUBLIC_URL": site.url,
            "HUB_PROXY_SECRET": PROXY_SECRET,
            "HUB_FLOWER_PASSWORD": FLOWER_PASSWORD,
        }
        hub._run("flower", "-m", "hub.cli", "flower", "--port", str(flower), "--url-prefix", "flower")
        hub.start_api()
        with running(site):
            yield hub, site


def certified(folder: Path, department: Client) -> Path:
    """The test catalogue, with a department that shows a certificate instead of signing."""
    catalogue = folder / "catalogue"
    shutil.copytree(CATALOGUE, catalogue)
    file = catalogue / "departments" / "rest-b.toml"
    guard = f'[guard]\nkind = "client-certificate"\nfingerprints = ["{department.fingerprint}"]\n\n'
    text, count = re.subn(r"\[guard\].*?(?=\[status\])", guard, file.read_text(), flags=re.DOTALL)
    assert count == 1
    file.write_text(text)
    return catalogue


def report(url: str, shown: Client | None = None, **options: object) -> requests.Response:
    """A status report for rest-b, with whatever certificate and headers."""
    headers = {"Content-Type": "application/json", **dict(options.pop("headers", {}))}  # type: ignore[call-overload] # a dict
    return requests.post(
        url + "/v1/departments/rest-b/statuses",
        data=a_report(a_code(1), "DANG_XU_LY").model_dump_json(),
        headers=headers,
        cert=shown.files if shown else None,
        timeout=30,
        **options,  # type: ignore[arg-type] # verify only
    )


def test_the_site_passes_nginxs_own_check(folder: Path, tmp_path: Path) -> None:
    site = Nginx(tmp_path, api=1, flower=2, proxy_secret=PROXY_SECRET)
    done = subprocess.run(site.command("-t"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_a_department_is_known_by_its_certificate_and_by_nothing_it_says(
    folder: Path, department: Client, published_site: tuple[ProcessStack, Nginx]
) -> None:
    hub, site = published_site
    trust = str(site.certificate)
    stolen = {"X-Client-Cert": quote(department.certificate), "X-Proxy-Secret": PROXY_SECRET}
    assert report(site.url, department, verify=trust).status_code == 202
    assert report(site.url, client(folder, "stranger"), verify=trust).status_code == 401
    assert report(site.url, verify=trust).status_code == 401
    assert report(site.url, verify=trust, headers=stolen).status_code == 401
    assert report(site.url, client(folder, "thief"), verify=trust, headers=stolen).status_code == 401
    assert report(hub.url, headers={**stolen, "X-Proxy-Secret": "guessed"}).status_code == 401
    assert hub.rows("SELECT count(*) AS n FROM inbox") == [{"n": 1}]


def test_the_portals_signature_over_the_public_address_survives_the_proxy(
    published_site: tuple[ProcessStack, Nginx],
) -> None:
    stack, site = published_site
    portal = SigningPortal(site.url)
    portal._session.verify = str(site.certificate)
    stored = portal.submit(a_submission())
    assert stored.status_code == 202
    assert stored.headers["Location"].startswith(site.url)
    assert portal.get("/v1/events?limit=%31").status_code == 200  # as it was written, not as nginx would write it

    def logged() -> list[str]:
        """nginx writes a request's line after its answer has left."""
        lines = [json.loads(line) for line in site.log.read_text().splitlines()]
        return [line["request_id"] for line in lines if line["path"] == "/v1/events"]

    assert all(stack.wait_for(logged))


def test_fifty_megabytes_are_refused_in_the_hubs_words(published_site: tuple[ProcessStack, Nginx]) -> None:
    _, site = published_site
    connection = http.client.HTTPSConnection("localhost", site.port, timeout=30, context=trusting(site))
    connection.putrequest("POST", "/v1/submissions")
    connection.putheader("Content-Length", str(50_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert json.load(answer)["type"] == problem_types.TOO_LARGE.uri
    connection.close()


def test_a_hub_that_is_away_is_said_in_its_own_words(folder: Path, tmp_path: Path) -> None:
    site = Nginx(tmp_path, api=free_port(), flower=free_port(), proxy_secret=PROXY_SECRET)
    with running(site):
        answer = requests.get(site.url + "/health/live", verify=str(site.certificate), timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == problem_types.UNAVAILABLE.code


def test_an_address_above_its_rate_is_refused_by_nginx_and_another_one_is_not(folder: Path, tmp_path: Path) -> None:
    """The hub is away, so that whoever passes is answered 503, and as fast as nginx can."""
    site = Nginx(tmp_path, api=free_port(), flower=free_port(), proxy_secret=PROXY_SECRET)
    with running(site):
        started = time.monotonic()
        answers = "".join(pipelined(site, 900) for _ in range(3))
        seconds = time.monotonic() - started
        elsewhere = pipelined(site, 1, source="127.0.0.2")
        time.sleep(1)
        later = pipelined(site, 1)

    statuses = Counter(re.findall(r"HTTP/1.1 (\d+) ", answers))
    burst, per_second = 600, 300
    assert statuses.keys() == {"429", "503"}
    assert statuses["503"] <= 1 + burst + per_second * seconds
    refused = next(answer for answer in answers.split("HTTP/1.1 ") if answer.startswith("429 "))
    assert "Retry-After: 1\r\n" in refused
    assert "Content-Type: application/problem+json\r\n" in refused
    assert f'"code":"{problem_types.RATE_LIMIT_EXCEEDED.code}"' in refused
    assert elsewhere.startswith("HTTP/1.1 503 ")
    assert later.startswith("HTTP/1.1 503 ")


def pipelined(site: Nginx, many: int, source: str = "127.0.0.1") -> str:
    """Send ``many`` requests at once over one connection. Returns all that is answered."""
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=60, source_address=(source, 0)) as plain,
        trusting(site).wrap_socket(plain, server_hostname="localhost") as line,
    ):
        line.sendall((request + b"\r\n") * (many - 1) + request + b"Connection: close\r\n\r\n")
        return b"".join(iter(lambda: line.recv(65_536), b"")).decode()


def test_flower_asks_operators_for_its_password_and_shows_itself_to_nobody_else(
    published_site: tuple[ProcessStack, Nginx],
) -> None:
    _, site = published_site
    trust = str(site.certificate)

    def status(path: str, auth: tuple[str, str] | None = None) -> int:
        return requests.get(site.url + path, auth=auth, verify=trust, timeout=30).status_code

    password = ("hub", FLOWER_PASSWORD)
    published_site[0].wait_for(lambda: status("/flower/workers") != 503)
    assert status("/flower/workers") == 401
    assert status("/flower/workers", password) == 200
    assert status("/flower/static/css/flower.css", password) == 200
    assert status("/flower/metrics", password) == 404
    assert status("/metrics") == 404
    elsewhere = http.client.HTTPSConnection(
        "localhost", site.port, timeout=30, context=trusting(site), source_address=("127.0.0.2", 0)
    )
    elsewhere.request("GET", "/flower/workers")
    assert elsewhere.getresponse().status == 403
    elsewhere.close()


def test_another_name_gets_no_handshake(published_site: tuple[ProcessStack, Nginx]) -> None:
    _, site = published_site
    context = trusting(site)
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        context.wrap_socket(plain, server_hostname="elsewhere.example")


def test_what_nginx_says_in_the_hubs_place_is_in_the_hubs_table() -> None:
    bodies = PROBLEM.findall((DEPLOY / "nginx/hub.conf").read_text())
    kinds = (
        problem_types.MALFORMED,
        problem_types.TOO_LARGE,
        problem_types.RATE_LIMIT_EXCEEDED,
        problem_types.UNAVAILABLE,
    )
    table = {kind.code: kind for kind in kinds}
    assert len(bodies) == len(table)
    for status, text in bodies:
        problem = json.loads(text)
        kind = table[problem["code"]]
        assert problem == {"type": kind.uri, "title": vi(kind.title), "status": int(status), "code": kind.code}
        assert kind.status == int(status)


def trusting(site: Nginx) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(site.certificate))
