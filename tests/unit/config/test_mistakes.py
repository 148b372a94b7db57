"""Every mistake in the catalogue stops the start, and is named with its file and its key."""

import shutil
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from config.catalogue import CatalogueError, load
from tests.catalogue_secrets import CATALOGUE, environment

REST: Final = "departments/rest-a.toml"
SOAP: Final = "departments/soap-a.toml"
PUSHED_SOAP: Final = "departments/soap-b.toml"
PROCEDURE: Final = "procedures/rest-a.toml"
PORTAL: Final = "portal.toml"
CALENDAR: Final = "calendar.toml"
SIGNING: Final = "signing.toml"
OFFICERS: Final = "officers.toml"
FEES: Final = "fees.toml"
CLERK: Final = '\n[[clerks]]\naccount = "cli:ke-toan"\ntitle = "Kế toán"\nmay = ["propose", "agree"]\n'
PAY_FIRST: Final = "procedures/pay-first.toml"


class Mistake(NamedTuple):
    """``before`` in ``file`` becomes ``after``; loading then says ``message``, behind the file's name."""

    file: str
    before: str
    after: str
    message: str


MISTAKES: Final = {
    "a misspelt key": Mistake(REST, "[guard]", "max_in_fligth = 4\n[guard]", "/max_in_fligth: Extra inputs"),
    "a key left out": Mistake(REST, 'idempotency = "key"\n', "", "/idempotency: Field required"),
    "text for a number": Mistake(
        REST, "timeout_seconds = 2", 'timeout_seconds = "2"', "/timeout_seconds: Input should be"
    ),
    "true for a number": Mistake(
        REST, "timeout_seconds = 2", "timeout_seconds = true", "/timeout_seconds: Input should be"
    ),
    "a dialect that there is not": Mistake(
        REST, 'dialect = "rest"', 'dialect = "edxml"', "/dialect: Input should be 'rest'"
    ),
    "a status of ours that there is not": Mistake(
        REST, '"resolved"', '"done"', "/status/DA_CO_KET_QUA: Input should be"
    ),
    "a code that no report can carry": Mistake(
        REST, "DA_TRA_KET_QUA =", '"ĐÃ TRẢ" =', "/status/ĐÃ TRẢ/[key]: String should"
    ),
    "no agency code": Mistake(REST, '"000.00.21.H42"', '"21.H42"', "/agency: an agency code reads"),
    "pushes without a guard": Mistake(SOAP, 'statuses = "poll"', 'statuses = "push"', "a guard is needed"),
    "a guard that there is not": Mistake(REST, 'kind = "hmac"', 'kind = "none"', "/guard: is none of the kinds"),
    "a secret's value for its name": Mistake(
        REST, '"HUB_SECRET_TEST_REST_A_TOKEN"', '"s3cret-value-0123"', "/secret: String should match"
    ),
    "another variable for a secret": Mistake(
        REST, '"HUB_SECRET_TEST_REST_A_TOKEN"', '"PATH"', "/secret: String should match"
    ),
    "an address in the clear": Mistake(
        REST, "https://rest-a", "http://rest-a", "/base_url: an address begins with https"
    ),
    "a password in an address": Mistake(REST, "https://rest-a", "https://a:b@rest-a", "/base_url: an address reads"),
    "rest with a WSDL": Mistake(
        REST, "statuses =", 'wsdl = "department.wsdl"\nstatuses =', "needs a wsdl, and no other has one"
    ),
    "soap without a WSDL": Mistake(SOAP, 'wsdl = "department.wsdl"\n', "", "needs a wsdl, and no other has one"),
    "a WSDL that there is not": Mistake(
        SOAP, '"department.wsdl"', '"other.wsdl"', "/wsdl: schemas/wire has no file other.wsdl"
    ),
    "a WSDL from elsewhere": Mistake(SOAP, '"department.wsdl"', '"../department.wsdl"', "/wsdl: String should match"),
    "a key without its certificate": Mistake(
        SOAP,
        'sign_certificate = "HUB_SECRET_TEST_SOAP_SIGN_CERTIFICATE"\n',
        "",
        "sign_key and sign_certificate go together",
    ),
    "a name without its password": Mistake(
        PUSHED_SOAP, 'password = "HUB_SECRET_TEST_SOAP_B_PASSWORD"\n', "", "username and password go together"
    ),
    "a CA that there is not": Mistake(
        SOAP, "statuses =", 'tls = { ca = "ca.pem" }\nstatuses =', "/tls/ca: there is no file"
    ),
    "a code that another file has": Mistake(
        SOAP, 'code = "soap-a"', 'code = "rest-a"', "/code: rest-a is the code in rest-a.toml"
    ),
    "an agency that another has": Mistake(
        SOAP, '"000.00.31.H42"', '"000.00.21.H42"', "/agency: is the agency of rest-a already"
    ),
    "the same agency in the other register": Mistake(
        SOAP, '"000.00.31.H42"', '"H42.21"', "/agency: is the agency of rest-a already"
    ),
    "a department that there is not": Mistake(
        PROCEDURE, 'department = "rest-a"', 'department = "rest-c"', "/department: no department has the code rest-c"
    ),
    "steps that do not fill the time": Mistake(
        PROCEDURE, "working_hours = 40", "working_hours = 48", "the steps take 40 working hours"
    ),
    "a share of a le_phi that is kept": Mistake(
        PROCEDURE,
        "amount = 75_000",
        "amount = 75_000\nretention_bp = 100",
        "/fees/0: all of a le_phi goes to the budget",
    ),
    "more kept than there is": Mistake(
        PAY_FIRST, "retention_bp = 7_000", "retention_bp = 10_001", "/fees/0/retention_bp: Input should be less"
    ),
    "a share as a fraction": Mistake(
        PAY_FIRST, "retention_bp = 7_000", "retention_bp = 0.7", "/fees/0/retention_bp: Input should be a valid integer"
    ),
    "a fee that changes its kind": Mistake(
        PROCEDURE,
        'kind = "le_phi"\ntitle = "Lệ phí thử nghiệm"\namount = 150_000',
        'kind = "phi"\ntitle = "Lệ phí thử nghiệm"\namount = 150_000',
        "is a le_phi first and a phi later",
    ),
    "an exemption without a provision": Mistake(
        PAY_FIRST, 'basis = "Nghị quyết thử nghiệm số 1, Điều 4"\n', "", "/exemptions/0/basis: Field required"
    ),
    "an exemption from a fee that there is not": Mistake(
        PAY_FIRST, 'fees = ["le-phi"]', 'fees = ["le-phi-khac"]', "lifts a fee that is not there: le-phi-khac"
    ),
    "the same exemption twice": Mistake(
        PAY_FIRST, '"nop-truc-tuyen"', '"nguoi-co-cong"', "the exemption nguoi-co-cong stands twice"
    ),
    "paying first where nothing is to be paid": Mistake(
        "procedures/rest-b.toml", "working_hours = 80", 'working_hours = 80\npay = "first"', "there is no fee to pay"
    ),
    "a time for paying that there is not": Mistake(
        PAY_FIRST, 'pay = "first"', 'pay = "before"', "/pay: Input should be 'first', 'later' or 'none'"
    ),
    "a clerk with whom nobody can agree": Mistake(
        FEES, 'THU NGHIEM"\n', f'THU NGHIEM"\n{CLERK}', "clerks: one may propose and another one agree"
    ),
    "a clerk that stands twice": Mistake(
        FEES, 'THU NGHIEM"\n', f'THU NGHIEM"\n{CLERK * 2}', "the clerk cli:ke-toan stands twice"
    ),
    "a right that there is not": Mistake(
        FEES, 'THU NGHIEM"\n', f'THU NGHIEM"\n{CLERK}'.replace("agree", "pay"), "/clerks/0/may/1: Input should be"
    ),
    "a clerk who is the hub itself": Mistake(
        FEES, 'THU NGHIEM"\n', f'THU NGHIEM"\n{CLERK}'.replace("cli:ke-toan", "hub"), "/clerks/0: hub is what"
    ),
    "a reference that begins with three letters": Mistake(FEES, '"HC"', '"HCC"', "/prefix: String should match"),
    "a bank that is not there": Mistake(FEES, 'bank = "bank-a"', 'bank = "bank-x"', "/account/bank: no bank has the"),
    "an account that its bank does not know": Mistake(
        FEES, "1020304050607", "1020304050608", "/account/number: bank-a has no such account"
    ),
    "a fee of half a đồng": Mistake(PROCEDURE, "75_000", "75_000.5", "/fees/0/amount: Input should be a valid integer"),
    "a fee that ends before it begins": Mistake(
        PROCEDURE, "until = 2025-12-31", "until = 2019-12-31", "/fees/0: until lies before since"
    ),
    "periods of a fee that overlap": Mistake(
        PROCEDURE, "until = 2025-12-31", "until = 2026-01-01", "the periods of fee le-phi overlap on 2026-01-01"
    ),
    "a fee without end before the next": Mistake(
        PROCEDURE, "until = 2025-12-31\n", "", "the periods of fee le-phi overlap on 2026-01-01"
    ),
    "two endpoints of one name": Mistake(
        PORTAL, 'code = "second"', 'code = "cong-dvc"', "the endpoint cong-dvc stands twice"
    ),
    "a door that nobody can open": Mistake(
        REST, 'rest-a-1 = "HUB_SECRET_TEST_REST_A_PUSH"', "", "/guard/hmac/keys: Dict"
    ),
    "a day of seven hours": Mistake(CALENDAR, "17:00:00]", "16:00:00]", "a working day has 8 hours"),
    "an afternoon before the morning": Mistake(
        CALENDAR, "afternoon = [13:30:00", "afternoon = [03:30:00", "follow one another"
    ),
    "a cut-off at night": Mistake(
        CALENDAR, "cut_off = 15:00:00", "cut_off = 22:00:00", "cut_off lies within the working day"
    ),
    "a day both off and worked": Mistake(
        CALENDAR, '2026-01-10 = "', '2026-01-02 = "worked', "2026-01-02 is both a day off and worked"
    ),
    "a seal that is called otherwise": Mistake(
        SIGNING, 'seal = "seal.trung-tam"', 'seal = "log"', "the seal's key is called seal.<agency>"
    ),
    "a log that signs with another key": Mistake(
        SIGNING, 'log_key = "log"', 'log_key = "seal.trung-tam"', "the log's key is called log"
    ),
    "roots that there are not": Mistake(
        SIGNING, 'log_key = "log"', 'log_key = "log"\nroots = "roots.pem"', "/roots: there is no file"
    ),
    "two trust services of one name": Mistake(
        SIGNING, 'code = "ca"', 'code = "tsa"', "the trust service tsa stands twice"
    ),
    "a stamp that may take an hour": Mistake(
        SIGNING, "timeout_seconds = 2\n\n", "timeout_seconds = 3600\n\n", "/stamping/0/timeout_seconds: Input should be"
    ),
    "a list at no address": Mistake(
        SIGNING, '"http://crl.example/issuing.crl"', '"ldap://crl.example/issuing"', "begins with http:// or https://"
    ),
    "a token's PIN for its name": Mistake(
        SIGNING,
        'log_key = "log"',
        'log_key = "log"\ntoken = { module = "/p11.so", label = "hub", pin = "12345678" }',
        "/token/pin: String should match",
    ),
    "an officer of no department": Mistake(
        OFFICERS, 'department = "rest-b"', 'department = "rest-c"', "/officers/4/department: no department has the code"
    ),
    "two officers of one id": Mistake(OFFICERS, 'id = "ra-02"', 'id = "ra-01"', "the officer ra-01 stands twice"),
    "an officer who leaves before coming": Mistake(
        OFFICERS, "valid_to = 2026-03-31", "valid_to = 2025-03-31", "/officers/3: valid_to lies before valid_from"
    ),
    "an officer whom nobody could know": Mistake(
        OFFICERS,
        "valid_to = 2026-03-31",
        "signs_elsewhere = true",
        "/officers/3: who signs elsewhere is known by certificates",
    ),
    "a role that there is not": Mistake(
        OFFICERS, 'role = "lead"', 'role = "minister"', "/officers/0/role: Input should be"
    ),
    "no TOML": Mistake(CALENDAR, "morning = ", "morning == ", "not TOML: "),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the test catalogue that a test may spoil."""
    return Path(shutil.copytree(CATALOGUE, tmp_path / "catalogue"))


def what_loading_says(folder: Path) -> str:
    """The mistake, from the file's name on."""
    with pytest.raises(CatalogueError) as error:
        load(folder, environment())
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_stops_the_start_and_names_its_file_and_key(folder: Path, mistake: Mistake) -> None:
    file = folder / mistake.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mistake.before) == 1, "the test catalogue has changed"
    file.write_text(text.replace(mistake.before, mistake.after), encoding="utf-8")
    message = what_loading_says(folder)
    assert message.startswith(mistake.file)
    assert mistake.message in message


@pytest.mark.parametrize("name", ["portal.toml", "calendar.toml", "signing.toml", "officers.toml"])
def test_a_file_that_is_not_there_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert what_loading_says(folder) == f"{name}: cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["departments", "procedures"])
def test_an_empty_folder_is_named(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)
    assert what_loading_says(folder) == f"{name}: no .toml file here"


def test_a_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / PORTAL).write_bytes('centre_name = "Ninh Bình"'.encode("latin-1"))
    assert what_loading_says(folder) == f"{PORTAL}: not UTF-8"
