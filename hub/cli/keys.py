"""hub keys: list and check signing keys, renew them, publish and check the trust list."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_file
from hub.cli.output import AsJson, TableColumn
from hub.locale import vi

if TYPE_CHECKING:
    from cryptography import x509

    from config.catalogue import Catalogue
    from config.settings import Settings
    from hub.signing.keyring import Keyring

app: Final = Typer(help="Signing keys (khóa ký): list, check, rotate.", no_args_is_help=True)

Name = Annotated[str, Argument(metavar="KEY", help="seal.trung-tam, log, officer.tp-01")]

STATES: Final = {
    "signs": vi("signing"),
    "ready": vi("waiting to become valid"),
    "waits": vi("waiting for its certificate"),
    "replaced": vi("key replaced"),
    "expired": vi("expired"),
}
_GENERATIONS: Final = (
    TableColumn("key", vi("Key")),
    TableColumn("generation", vi("Generation")),
    TableColumn("state", vi("Status"), lambda state: STATES[state]),
    TableColumn("kept_in", vi("Kept in")),
    TableColumn("valid_from", vi("Since"), output.moment),
    TableColumn("valid_to", vi("To"), output.moment),
    TableColumn("subject", vi("Certificate")),
)
_FINDINGS: Final = (
    TableColumn("ok", "", lambda ok: "✔" if ok else "✗"),
    TableColumn("key", vi("Key")),
    TableColumn("finding", vi("Result")),
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every generation of every key: where it is stored, its validity, and which one signs."""
    from hub.cli import key_checks
    from hub.clock import now

    _, _, keyring = _keys()
    output.listing(list(key_checks.generations(keyring, now())), _GENERATIONS, as_json=as_json)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Test every key with a signature, and verify it. Exit 3 if a key fails, or expires within 30 days."""
    from hub.cli import key_checks
    from hub.clock import now

    with environment.hub() as hub:
        findings = key_checks.check_keys(hub.signer, hub.keyring, hub.catalogue, now())
    rows = [{"key": one.key, "ok": one.ok, "finding": one.finding} for one in findings]
    output.listing(rows, _FINDINGS, as_json=as_json)
    if wrong := [one.key for one in findings if not one.ok]:
        leave(ExitCode.FINDING, vi("needs attention: {listed}", listed=", ".join(wrong)))


@app.command("issue-request")
def issue_request(
    name: Name,
    token: Annotated[
        bool, Option("--token", help="Generate the key in the token of signing.toml, not in a file.")
    ] = False,
    rsa: Annotated[bool, Option("--rsa", help="RSA-3072, where the CA does not take P-256.")] = False,
) -> None:
    """Generate the next generation of a key; its certificate request (PEM) on stdout. The old one goes on signing."""
    settings, catalogue, keyring = _keys()
    if settings.production and not token:
        leave(ExitCode.REFUSED, "hub: in production a key is made in a token: say --token")
    subject = _subject(catalogue, name)
    sys.stdout.write(keyring.request_certificate(name, subject, in_token=token, as_rsa=rsa).decode())
    output.say(f"{name}: send the request to the CA, then: hub keys import {name} CHAIN.pem")


@app.command("import")
def import_(
    name: Name,
    chain: Annotated[Path, Argument(exists=True, dir_okay=False, help="PEM: the certificate, then the CAs above it.")],
) -> None:
    """Import the requested certificate. Its key signs as soon as it is valid, without a restart."""
    from hub.clock import now
    from hub.signing.keys import certificates

    _, catalogue, keyring = _keys()
    pem = read_file(chain)
    _check_known(catalogue, keyring, certificates(pem))
    generation = keyring.accept_certificate(name, pem)
    signs = "it signs now" if generation.is_valid(now()) else "it does not sign yet"
    output.say(f"{name}: generation {generation.number} is here, {signs}; look: hub keys check")


@app.command()
def rotate(name: Name) -> None:
    """Development only: a new generation, certified at once by the development CA in ./var."""
    from hub.embedded.pki import Pki

    settings, catalogue, keyring = _keys()
    folder = keyring.folder.parent
    if settings.production or not (folder / "authority").is_dir():
        leave(
            ExitCode.REFUSED,
            f"hub: there is no development CA beside these keys; ask your CA: hub keys issue-request {name}",
        )
    assert settings.keys_passphrase is not None  # noqa: S101 - whoever made the authority made it
    subject = _subject(catalogue, name)
    pki = Pki(folder, settings.keys_passphrase)
    generation = pki.renew(name, common_name=subject["common_name"], serial_name=subject.get("serial_number", ""))
    pki.list_trust(catalogue)
    output.say(f"{name}: generation {generation.number} signs from now on; older signatures go on verifying")


@app.command("trust-list")
def trust_list_(
    to: Annotated[Path, Option("--output", "-o", help="Where to write it; its signature beside it, as .p7s.")] = Path(
        "trust.json"
    ),
) -> None:
    """Write the trust list: the certificates of each agency, officer, log and TSA. Sealed and versioned.

    Verifiers of evidence need it; send its SHA-256 by another channel than the file.
    """
    from hub.cli import files
    from hub.clock import now
    from hub.signing import trust_list

    with environment.hub() as hub:
        register = trust_list.publish(hub.catalogue, hub.keyring, hub.signer.trust(), now())
        published = hub.keyring.folder / trust_list.FILE
    files.write(to, published.read_bytes())
    files.write(to.with_suffix(trust_list.SIGNATURE), published.with_suffix(trust_list.SIGNATURE).read_bytes())
    output.say(f"{to}: version {register.listed.version} of {register.listed.at:%Y-%m-%d %H:%M} UTC")
    output.say(f"SHA-256 {_grouped(register.sha256)}")


@app.command("check-trust-list")
def check_trust_list(
    newer: Annotated[Path, Argument(metavar="NEWER", exists=True, dir_okay=False, help="trust.json; .p7s beside it.")],
    held: Annotated[
        Path | None, Option(exists=True, dir_okay=False, help="The version that you hold; unset: NEWER is your first.")
    ] = None,
) -> None:
    """Check that a trust list is a successor of the one you hold. Exit 3 if not. Needs no database and no settings.

    For a first one, compare the printed SHA-256 with the one that the Centre sent by another channel.
    """
    from hub.signing import trust_list

    try:
        read = trust_list.load(newer).register
        if held is not None:
            before = trust_list.load(held).register
            assert before is not None  # noqa: S101 - a list was read
            beside = newer.with_suffix(trust_list.SIGNATURE)
            read = trust_list.check_successor(before, read_file(newer), read_file(beside))
    except trust_list.NotATrustList as error:
        leave(ExitCode.FINDING, f"hub: {newer}: {error}")
    assert read is not None  # noqa: S101 - a list was read
    output.text(f"version {read.listed.version}\nSHA-256 {_grouped(read.sha256)}\n")


def _grouped(digest: str) -> str:
    """Group a digest in eights, to be read aloud."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _keys() -> "tuple[Settings, Catalogue, Keyring]":
    environment.adopt()
    from config.catalogue import load
    from hub.app import keyring
    from hub.configuration import read_settings

    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    return settings, catalogue, keyring(settings, catalogue)


def _subject(catalogue: "Catalogue", name: str) -> dict[str, str]:
    """Return the subject of the certificate request."""
    from hub.signing.keyring import fitted_name

    centre = fitted_name(catalogue.portal.centre_name)
    organisation = {"country_name": "VN", "organization_name": centre}
    if name == catalogue.signing.seal:
        return {**organisation, "common_name": centre}
    if name == catalogue.signing.log_key:
        return {**organisation, "common_name": name, "serial_number": catalogue.signing.log}
    officer = next((one for one in catalogue.officers.values() if one.key == name), None)
    if officer is None:
        leave(ExitCode.NOT_FOUND, f"hub: neither signing.toml nor officers.toml has a key called {name}")
    return {**organisation, "common_name": fitted_name(officer.name), "serial_number": officer.id}


def _check_known(catalogue: "Catalogue", keyring: "Keyring", chain: "tuple[x509.Certificate, ...]") -> None:
    """Exit unless the chain leads to a trusted root: now, not when something has to be signed."""
    from hub.signing.keyring import ROOTS
    from hub.signing.trust import Trust
    from hub.signing.verdicts import Invalid, Undecided

    roots = catalogue.folder / catalogue.signing.roots if catalogue.signing.roots else keyring.folder / ROOTS
    if not chain:
        leave(ExitCode.REFUSED, "hub: the file holds no certificate (PEM)")
    try:
        Trust.load(read_file(roots)).path(chain[0], chain[0].not_valid_before_utc, chain[1:])
    except Undecided as end:
        if not end.code.startswith("crl-"):  # lists are fetched for what signs; here nothing signs yet
            leave(ExitCode.REFUSED, f"hub: {end}")
    except Invalid as end:
        leave(ExitCode.REFUSED, f"hub: {end}")
