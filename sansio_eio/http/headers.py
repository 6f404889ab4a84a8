"""What header fields say."""

from sansio_eio.engineio.requests import Headers


def find_header(headers: Headers, name: str) -> str | None:
    """The value of the header `name` (in lower case), None where there is none; several fields are joined."""
    values = [value for key, value in headers if key == name]
    return ", ".join(values) if values else None


def has_token(value: str | None, token: str) -> bool:
    """Whether a comma-separated header with this value has the (lower-case) token."""
    return token in [item.strip().lower() for item in (value or "").split(",")]
