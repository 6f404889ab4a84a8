"""What namespaces may be called."""

from sansio_eio.errors import LocalProtocolError

#: The most characters in the name of a namespace. Clients can make some, and must not be able to fill the memory with
#: them; besides, a packet that says no to a client is never too large for its session's buffer.
MAX_NAME = 200

#: The most characters in one with its query, where old clients have what they show. It used to be part of a URL.
MAX_TARGET = 8192


def normal_name(name: str) -> str:
    """The name with a slash in front; LocalProtocolError when it cannot be one."""
    name = name if name.startswith("/") else "/" + name
    if "," in name or len(name) > MAX_NAME or not name.isprintable():
        # U+001E would end the packet in a polling payload.
        raise LocalProtocolError(
            f"the name of a namespace is printable, has no comma and at most {MAX_NAME} characters: {name!r}"
        )
    return name
