"""Values on the pipes between the tests, the peers and the servers: JSON, with binary as `{"$bytes": base64}`."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, cast


def dumps(value: object) -> str:
    """One line of JSON, in ASCII: lone surrogates and line separators are escaped."""
    return json.dumps(_pack(value))


def loads(line: str | bytes) -> Any:
    """The value of one line."""
    return json.loads(line, object_hook=_unpack)


def _pack(value: object) -> object:
    match value:
        case bytes():
            return {"$bytes": b64encode(value).decode()}
        case dict():
            return {key: _pack(item) for key, item in cast("dict[str, object]", value).items()}
        case list() | tuple() | set():
            return [_pack(item) for item in cast("Iterable[object]", value)]
        case _:
            return value


def _unpack(value: dict[str, Any]) -> Any:
    return b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value
