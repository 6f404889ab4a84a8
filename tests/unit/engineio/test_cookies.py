"""The cookies that a server sets, and that are sent back."""

import pytest

from sansio_eio.engineio.cookies import MAX_COOKIES, MAX_SIZE, CookieJar, parse_date

#: 2001-09-09, 01:46:40 UTC.
WALL_TIME = 1_000_000_000.0


def jar_with(*values: str) -> CookieJar:
    jar = CookieJar()
    store(jar, *values)
    return jar


def store(jar: CookieJar, *values: str, now: float = 0.0) -> None:
    headers = [("set-cookie", value) for value in values]
    jar.store(headers, host="a.host.example", path="/socket.io/", now=now, wall_time=WALL_TIME + now)


def header(jar: CookieJar, *, path: str = "/socket.io/", secure: bool = False, now: float = 0.0) -> str:
    return jar.header(path=path, secure=secure, now=now)


def test_cookies_are_sent_back_in_the_order_in_which_they_came() -> None:
    assert header(jar_with("b=2; HttpOnly; SameSite=Lax", 'a="x y"')) == 'b=2; a="x y"'


def test_other_headers_are_none() -> None:
    jar = CookieJar()
    jar.store([("cookie", "a=1"), ("content-type", "a=1")], host="h", path="/", now=0, wall_time=0)
    assert header(jar) == ""


@pytest.mark.parametrize(
    "value", ["", "a", "=1", " =1", ";a=1", "x=" + "y" * MAX_SIZE, "a=\x01b", "a=\x7f", "a b=1", "a=\u20ac"]
)
def test_what_is_no_cookie(value: str) -> None:
    assert header(jar_with(value)) == ""


def test_a_value_may_be_empty_and_have_equals_signs() -> None:
    assert header(jar_with("a=", "b=c=d==")) == "a=; b=c=d=="


def test_cookies_of_the_same_name_for_different_paths() -> None:
    jar = jar_with("a=1; Path=/", "a=2; Path=/socket.io", "b=3; Path=/admin")
    assert header(jar) == "a=2; a=1"
    store(jar, "a=4; Path=/")
    assert header(jar) == "a=2; a=4"


def test_the_newest_value_counts() -> None:
    assert header(jar_with("a=1", "b=1", "a=2")) == "b=1; a=2"


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ("Max-Age=10", 10),
        ("max-age = 10 ; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 10),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10", 10),
        ("Expires=Sun, 09 Sep 2001 01:46:50 GMT", 10),
        ("Expires=Sunday, 09-Sep-01 01:46:50 GMT", 10),
    ],
)
def test_cookies_that_end(attributes: str, seconds: float) -> None:
    jar = jar_with(f"a=1; {attributes}")
    assert header(jar, now=seconds - 1) == "a=1"
    assert header(jar, now=seconds) == ""
    assert header(jar, now=0) == "", "it is forgotten"


@pytest.mark.parametrize("attributes", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_cookie_is_deleted(attributes: str) -> None:
    jar = jar_with("a=1", "b=2")
    store(jar, f"a=; {attributes}", now=1.0)
    assert header(jar) == "b=2"


@pytest.mark.parametrize(
    "attributes", ["Max-Age=soon", "Max-Age=", "Expires=tomorrow", "Expires=31-Feb", "Priority=High"]
)
def test_attributes_that_say_nothing(attributes: str) -> None:
    assert header(jar_with(f"a=1; {attributes}"), now=1e9) == "a=1"


@pytest.mark.parametrize(
    ("attributes", "path", "sent"),
    [
        ("", "/socket.io/", True),
        ("", "/socket.io/x", True),
        ("", "/socket.iox/", False),
        ("", "/", False),
        ("Path=/", "/other", True),
        ("Path=/socket.io", "/socket.io", True),
        ("Path=/socket.io", "/socket.io/", True),
        ("Path=/socket", "/socket.io/", False),
        ("Path=elsewhere", "/socket.io/", True),
    ],
)
def test_paths(attributes: str, path: str, sent: bool) -> None:
    assert header(jar_with(f"a=1; {attributes}"), path=path) == ("a=1" if sent else "")


@pytest.mark.parametrize(
    ("domain", "kept"),
    [
        ("a.host.example", True),
        ("host.example", True),
        (".Host.example", True),
        ("b.host.example", False),
        ("t.example", False),
    ],
)
def test_domains(domain: str, kept: bool) -> None:
    assert header(jar_with(f"a=1; Domain={domain}")) == ("a=1" if kept else "")


def test_secure_cookies_are_for_tls() -> None:
    jar = jar_with("a=1; Secure", "b=2")
    assert header(jar) == "b=2"
    assert header(jar, secure=True) == "a=1; b=2"


def test_the_number_of_cookies_is_bounded() -> None:
    jar = jar_with(*[f"c{number}=1" for number in range(MAX_COOKIES + 1)])
    names = [pair.split("=")[0] for pair in header(jar).split("; ")]
    assert names == [f"c{number}" for number in range(1, MAX_COOKIES + 1)]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Thu, 01 Jan 1970 00:00:10 GMT", 10.0),
        ("Sun, 09 Sep 2001 01:46:40 GMT", WALL_TIME),
        ("Sunday, 09-Sep-01 01:46:40 GMT", WALL_TIME),
        ("Friday, 31-Dec-99 23:59:59 GMT", 946684799.0),
        ("9 SEPTEMBER 2001 1:46:40", WALL_TIME),
        ("Thu, 01 Jan 0000 00:00:00 GMT", None),
        ("2001-09-09", None),
    ],
)
def test_dates(text: str, date: float | None) -> None:
    assert parse_date(text) == date
