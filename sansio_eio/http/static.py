"""Files for a demo or a small site, as a fallback of the router."""

import mimetypes
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from sansio_eio.engineio.requests import Request, Response
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http.responses import plain_response

# What the system's tables may say about these differs; browsers insist on them.
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".map": "application/json", ".json": "application/json"}


class StaticFiles:
    """A function `Request -> Response` that serves files: `StaticFiles({"/": "public", "/client.js": "dist/c.js"})`.

    The keys are paths of URLs. The value of a key with a slash at the end is a directory, whose files are served below
    it with `index.html` for itself, or `bytes` for exactly that path; the value of any other key is one file, or its
    `bytes`. The longest key wins. Nothing outside of the given directories is served, nor are hidden files. Files are
    read when they are asked for, and are held in memory while they are sent.

    Raises LocalProtocolError for a file or directory that is not there.
    """

    def __init__(self, files: Mapping[str, str | Path | bytes]) -> None:
        self._files: dict[str, Path | bytes] = {}
        self._directories: list[tuple[str, Path]] = []
        for path in sorted(files, key=len, reverse=True):
            value = files[path]
            if not path.startswith("/"):
                raise LocalProtocolError(f"the path of a URL starts with a slash: {path!r}")
            if isinstance(value, bytes):
                self._files[path] = value
            elif path.endswith("/"):
                self._directories.append((path, _existing(Path(value), directory=True)))
            else:
                self._files[path] = _existing(Path(value), directory=False)

    def __call__(self, request: Request) -> Response:
        """The response for GET and HEAD; 404 for what is not there, 405 for other methods."""
        if request.method not in ("GET", "HEAD"):
            return plain_response(405, headers=[("allow", "GET, HEAD")])
        path = unquote(request.path, errors="replace")
        source = self._files.get(path)
        if source is None:
            source = self._find(path)
        if source is None:
            return plain_response(404)
        if isinstance(source, bytes):
            return _serve(request, path, source, f'"{sha256(source).hexdigest()[:20]}"')
        status = source.stat()
        return _serve(request, source.name, source.read_bytes(), f'"{status.st_mtime_ns:x}-{status.st_size:x}"')

    def _find(self, path: str) -> Path | None:
        for prefix, directory in self._directories:
            if path.startswith(prefix):
                return _below(directory, path[len(prefix) :])
        return None


def _existing(path: Path, *, directory: bool) -> Path:
    path = path.resolve()
    if not (path.is_dir() if directory else path.is_file()):
        raise LocalProtocolError(f"there is no such {'directory' if directory else 'file'}: {path}")
    return path


def _below(directory: Path, rest: str) -> Path | None:
    if rest == "" or rest.endswith("/"):
        rest += "index.html"
    parts = rest.split("/")
    # This also takes care of "." and "..", of empty parts, and of what other systems take for a separator.
    if any(not part or part.startswith(".") or set(part) & set("\\:\0") for part in parts):
        return None
    try:
        file = directory.joinpath(*parts).resolve()
        # A link may lead out.
        return file if file.is_relative_to(directory) and file.is_file() else None
    except OSError:
        return None  # such as a name that is too long


def _serve(request: Request, name: str, body: bytes, etag: str) -> Response:
    headers = [("etag", etag), ("cache-control", "no-cache"), ("x-content-type-options", "nosniff")]
    known = [item.strip().removeprefix("W/") for item in (request.header("if-none-match") or "").split(",")]
    if etag in known or "*" in known:
        return Response(304, headers)
    return Response(200, [("content-type", _content_type(name)), *headers], body)


def _content_type(name: str) -> str:
    if name.endswith("/"):
        return "text/html; charset=utf-8"
    kind = _TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
