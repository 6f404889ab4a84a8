"""Files of a demo."""

from pathlib import Path

import pytest

from sansio_eio import LocalProtocolError, Request, Response
from sansio_eio.http import StaticFiles


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_text("home")
    (root / "a b.css").write_text("css")
    (root / ".hidden").write_text("secret")
    (root / "sub" / "index.html").write_text("sub")
    (root / "sub" / "x.js").write_text("js")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


def get(files: StaticFiles, path: str, method: str = "GET", **headers: str) -> Response:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return files(Request(method, path, headers=fields))


def kind(response: Response) -> str:
    return dict(response.headers)["content-type"]


def test_a_directory(site: Path) -> None:
    files = StaticFiles({"/": str(site)})
    for path, body, content_type in (
        ("/", b"home", "text/html; charset=utf-8"),
        ("/index.html", b"home", "text/html; charset=utf-8"),
        ("/a%20b.css", b"css", "text/css; charset=utf-8"),
        ("/sub/", b"sub", "text/html; charset=utf-8"),
        ("/sub/x.js", b"js", "text/javascript; charset=utf-8"),
    ):
        response = get(files, path)
        assert (response.status, response.body, kind(response)) == (200, body, content_type)
    assert ("x-content-type-options", "nosniff") in get(files, "/").headers


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/sub",
        "/.hidden",
        "/link.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//index.html",
        "/sub//x.js",
        "/./index.html",
        "/index.html%00",
        "/c:index.html",
        "/%ff",
        "/" + "a" * 5000,
    ],
)
def test_what_is_not_there(site: Path, path: str) -> None:
    assert get(StaticFiles({"/": site}), path).status == 404


def test_single_files_bytes_and_precedence(site: Path) -> None:
    files = StaticFiles(
        {"/": b"<p>hi", "/x/": site, "/x/sub/": site, "/client.js": site / "sub" / "x.js", "/data.bin.zz": b"\x00"}
    )
    assert (get(files, "/").body, kind(get(files, "/"))) == (b"<p>hi", "text/html; charset=utf-8")
    assert get(files, "/client.js").body == b"js"
    assert kind(get(files, "/data.bin.zz")) == "application/octet-stream"
    assert get(files, "/x/sub/").body == b"home"
    assert get(files, "/y").status == 404


def test_only_get_and_head(site: Path) -> None:
    files = StaticFiles({"/": site})
    response = get(files, "/", "POST")
    assert response.status == 405
    assert ("allow", "GET, HEAD") in response.headers
    assert get(files, "/", "HEAD").status == 200


@pytest.mark.parametrize("files", [{"/": b"home"}, {}])
def test_etags(site: Path, files: dict[str, bytes]) -> None:
    static = StaticFiles(files or {"/": site})
    etag = dict(get(static, "/").headers)["etag"]
    for value in (etag, f'"other", W/{etag}', "*"):
        response = get(static, "/", if_none_match=value)
        assert (response.status, response.body, dict(response.headers)["etag"]) == (304, b"", etag)
    assert get(static, "/", if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    "files", [{"a": b""}, {"/": "/nowhere/at/all"}, {"/a": "/nowhere/at/all"}, {"/a": "/"}, {"/": __file__}]
)
def test_mistakes(files: dict[str, str | bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        StaticFiles(files)
