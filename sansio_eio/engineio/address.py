"""Where a client connects to."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Address:
    """The other end of a client's connections. `host` is a name, or an IP address without brackets."""

    host: str
    port: int
    secure: bool

    @property
    def authority(self) -> str:
        """As it stands in the Host header (RFC 9110, section 7.2): without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"
