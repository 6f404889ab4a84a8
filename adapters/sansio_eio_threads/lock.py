"""The lock that keeps the core whole, and who holds it."""

from threading import Condition, RLock
from typing import Final

#: One for the process. Applications move from one server to the next, and may share one in a router; whatever thread
#: still uses an application meanwhile, there is only this lock for it to hold. It is held for microseconds at a time.
LOCK: Final = RLock()

_OWNERSHIP: Final = Condition(LOCK)


def is_held() -> bool:
    """Whether the calling thread is inside of the core: it must not block then."""
    try:
        # It has nobody to notify, and says whether it might.
        _OWNERSHIP.notify(0)
    except RuntimeError:
        return False
    return True
