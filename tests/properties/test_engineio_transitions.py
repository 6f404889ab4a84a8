"""The table of a session's states: every pair is a legal move, or an error that changes nothing."""

from itertools import product
from typing import Any

import pytest

from sansio_eio.engineio import ClientSession, ClientState, EngineClient, EngineServer, Request, Session, State
from sansio_eio.engineio.client_states import TRANSITIONS as CLIENT_TRANSITIONS
from sansio_eio.engineio.client_states import ClientTrigger
from sansio_eio.engineio.revision import REVISION_4
from sansio_eio.engineio.states import TRANSITIONS, Trigger
from sansio_eio.errors import LocalProtocolError


class Moved(Session):
    """A session that is moved by hand."""

    __slots__ = ()

    def move(self, trigger: Trigger) -> None:
        self._move(trigger)

    def picture(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Session.__slots__}


def session_in(state: State) -> Moved:
    session = Moved(EngineServer(), "sid", Request("GET", "/"), REVISION_4)
    session.state = state
    return session


@pytest.mark.parametrize(("state", "trigger"), list(product(State, Trigger)))
def test_every_pair_of_the_table(state: State, trigger: Trigger) -> None:
    session = session_in(state)
    before = session.picture()
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(LocalProtocolError, match=f"that is {state.value} cannot {trigger.value}"):
            session.move(trigger)
        assert session.picture() == before
    else:
        session.move(trigger)
        assert session.picture() == {**before, "state": after}


def test_the_rules_of_the_table() -> None:
    reachable, found = {State.OPENING}, {State.OPENING}
    while found:
        found = {after for (before, _), after in TRANSITIONS.items() if before in found} - reachable
        reachable |= found
    assert reachable == set(State)
    assert not any(before is State.CLOSED for before, _ in TRANSITIONS)
    # Wherever a session is, it can end; and what is over is over.
    for state in State:
        assert ((state, Trigger.END) in TRANSITIONS) is (state is not State.CLOSED)
    assert all(after is State.CLOSED for (_, trigger), after in TRANSITIONS.items() if trigger is Trigger.END)
    assert all(
        after in (State.CLOSING, State.CLOSED) for (before, _), after in TRANSITIONS.items() if before is State.CLOSING
    )


class MovedClient(ClientSession):
    """A session of a client that is moved by hand."""

    __slots__ = ()

    def move(self, trigger: ClientTrigger) -> None:
        self._move(trigger)

    def picture(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ClientSession.__slots__}


@pytest.mark.parametrize(("state", "trigger"), list(product(ClientState, ClientTrigger)))
def test_every_pair_of_the_table_of_clients(state: ClientState, trigger: ClientTrigger) -> None:
    session = MovedClient(EngineClient("http://server"), ["polling"], REVISION_4)
    session.state = state
    before = session.picture()
    after = CLIENT_TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(LocalProtocolError, match=f"that is {state.value} cannot {trigger.value}"):
            session.move(trigger)
        assert session.picture() == before
    else:
        session.move(trigger)
        assert session.picture() == {**before, "state": after}


def test_the_rules_of_the_table_of_clients() -> None:
    assert set(CLIENT_TRANSITIONS.values()) | {ClientState.OPENING} == set(ClientState)
    for state in ClientState:
        assert ((state, ClientTrigger.END) in CLIENT_TRANSITIONS) is (state is not ClientState.CLOSED)
    assert all(
        after in (ClientState.CLOSING, ClientState.CLOSED)
        for (before, _), after in CLIENT_TRANSITIONS.items()
        if before is ClientState.CLOSING
    )
