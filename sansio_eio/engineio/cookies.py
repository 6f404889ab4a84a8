"""The cookies of a client: those that the server sets are sent back (RFC 6265)."""

import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass

from sansio_eio.engineio.requests import is_header

#: RFC 6265, section 6.1, has at least 50 for each domain, of at least 4096 bytes each.
MAX_COOKIES = 50
MAX_SIZE = 4096

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Such as "Sun, 06 Nov 1994 08:49:37 GMT", and the older forms with dashes and two digits for the year.
_DATE = re.compile(
    rf"([0-9]{{1,2}})[ -]({'|'.join(_MONTHS)})[a-z]*[ -]([0-9]{{4}}|[0-9]{{2}}) +"
    r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Cookie:
    value: str
    path: str
    secure: bool
    #: On the clock of the driver; None: for as long as there is a client.
    expires: float | None


class CookieJar:
    """The cookies of one server.

    `now` is the time of the driver's clock, `wall_time` the same instant in seconds since the epoch.
    """

    def __init__(self) -> None:
        #: By name and path (section 5.3).
        self._cookies: dict[tuple[str, str], _Cookie] = {}

    def store(self, headers: Iterable[tuple[str, str]], *, host: str, path: str, now: float, wall_time: float) -> None:
        """Take the Set-Cookie fields of a response of `host` to a request for `path`; what is no cookie is ignored."""
        for name, value in headers:
            if name == "set-cookie" and len(value) <= MAX_SIZE:
                self._store(value, host, path, now, wall_time)

    def header(self, *, path: str, secure: bool, now: float) -> str:
        """The value of the Cookie header for a request, "" for none."""
        self._cookies = {
            key: cookie for key, cookie in self._cookies.items() if cookie.expires is None or cookie.expires > now
        }
        found = [
            (name, cookie)
            for (name, _), cookie in self._cookies.items()
            if (secure or not cookie.secure) and _covers(cookie.path, path)
        ]
        # "Cookies with longer paths are listed before cookies with shorter paths."  Section 5.4
        found.sort(key=lambda each: -len(each[1].path))
        return "; ".join(f"{name}={cookie.value}" for name, cookie in found)

    def _store(self, text: str, host: str, path: str, now: float, wall_time: float) -> None:
        pair, *attributes = text.split(";")
        name, equals, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not is_header(name, value):
            # Nobody could send it back.
            return
        # The default is the directory of the request (section 5.1.4).
        cookie = _Cookie(value, path[: path.rindex("/")] or "/", secure=False, expires=None)
        max_age = None
        for attribute in attributes:
            key, _, given = (part.strip() for part in attribute.partition("="))
            match key.lower():
                case "domain" if not _is_in(host, given.lower().removeprefix(".")):
                    return
                case "path" if given.startswith("/"):
                    cookie.path = given
                case "secure":
                    cookie.secure = True
                case "expires" if max_age is None:
                    date = parse_date(given)
                    if date is not None:
                        cookie.expires = now + date - wall_time
                case "max-age" if re.fullmatch(r"-?[0-9]{1,12}", given):
                    # It goes before Expires, wherever it stands (section 5.3).
                    max_age = int(given)
                    cookie.expires = now + max_age
                case _:
                    pass
        self._cookies.pop((name, cookie.path), None)
        # All requests have the same path: what is for another one would only be kept in vain.
        if (cookie.expires is None or cookie.expires > now) and _covers(cookie.path, path):
            self._cookies[name, cookie.path] = cookie
            if len(self._cookies) > MAX_COOKIES:
                del self._cookies[next(iter(self._cookies))]


def parse_date(text: str) -> float | None:
    """The date of an Expires attribute in seconds since the epoch, None when it is none (section 5.1.1)."""
    found = _DATE.search(text)
    if found is None:
        return None
    day, month, year, hour, minute, second = found.groups()
    # "If the year-value is greater than or equal to 70 and less than or equal to 99, increment it by 1900."
    century = 0 if len(year) == 4 else 1900 if int(year) >= 70 else 2000
    number = _MONTHS.index(month.lower()) + 1
    try:
        return float(timegm((int(year) + century, number, int(day), int(hour), int(minute), int(second))))
    except ValueError:
        return None


def _covers(cookie_path: str, path: str) -> bool:
    """RFC 6265, section 5.1.4."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else cookie_path + "/")


def _is_in(host: str, domain: str) -> bool:
    """RFC 6265, section 5.1.3."""
    return host == domain or host.endswith("." + domain)
