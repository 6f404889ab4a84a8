"""TLS, Unix sockets, proxies, names."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.conformance.client.servers import SOCKETIO_4, PeerServer
from tests.conformance.client.world import World, causes


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_port(authority: trustme.CA, peer_servers: dict[str, PeerServer]) -> int:
    """Where the server listens for TLS, as "localhost"."""
    certificate = authority.issue_cert("localhost")
    key = certificate.private_key_pem.bytes().decode()
    chain = "".join(pem.bytes().decode() for pem in certificate.cert_chain_pems)
    if SOCKETIO_4 not in peer_servers:
        peer_servers[SOCKETIO_4] = PeerServer(SOCKETIO_4)
    return int(peer_servers[SOCKETIO_4].do("listen", tls={"key": key, "cert": chain}))


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A context that trusts the certificate of the server."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    return context


async def use(world: World, url: str, **options: object) -> None:
    """Connect, send much both ways, and leave."""
    watched = world.client(url=url, path="/socket.io/")
    async with world.connect(watched, **options) as socket:
        data = bytes(range(256)) * 1000
        for number in range(3):
            assert await socket.call("ask", number, data, timeout=10) == (number, data)
        await world.upgraded(socket)
        secure = (await socket.call("handshake", timeout=10))["secure"]
        assert secure is url.startswith(("https:", "wss:"))
    assert watched.seen("disconnect") == [["io client disconnect"]]


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_tls(world: World, tls_port: int, trusting: ssl.SSLContext, scheme: str) -> None:
    await use(world, f"{scheme}://localhost:{tls_port}", ssl_context=trusting)


async def test_certificate_that_nobody_trusts(world: World, tls_port: int) -> None:
    error = await world.failure(world.client(url=f"https://localhost:{tls_port}"))
    assert ssl.SSLCertVerificationError in causes(error)


async def test_certificate_for_another_name(world: World, tls_port: int, trusting: ssl.SSLContext) -> None:
    error = await world.failure(world.client(url=f"https://127.0.0.1:{tls_port}"), ssl_context=trusting)
    assert ssl.SSLCertVerificationError in causes(error)


async def test_tls_where_there_is_none(world: World, trusting: ssl.SSLContext) -> None:
    url = f"https://127.0.0.1:{world.server.port}"
    error = await world.failure(world.client(url=url), ssl_context=trusting)
    assert isinstance(error.__cause__, ssl.SSLError | ConnectionError)


async def test_unix_socket(world: World, tmp_path: Path) -> None:
    path = str(tmp_path / "server.sock")
    world.server.do("listen", path=path)
    await use(world, "http://anything.invalid", unix_path=path)


async def test_name_with_several_addresses(world: World) -> None:
    """The server listens on IPv4 only."""
    await use(world, f"http://localhost:{world.server.port}")


async def test_http_proxy(world: World) -> None:
    """It finds the host by itself."""
    proxy = world.network.http_proxy()
    await use(world, world.server.url, dial=world.adapter.http_proxy(proxy.port))
    assert proxy.targets == [("127.0.0.1", world.server.port)] * proxy.accepted


async def test_socks_proxy(world: World) -> None:
    proxy = world.network.socks_proxy()
    await use(world, world.server.url, dial=world.adapter.socks_proxy(proxy.port))
    assert proxy.targets == [("127.0.0.1", world.server.port)] * proxy.accepted


async def test_tls_through_a_proxy(world: World, tls_port: int, trusting: ssl.SSLContext) -> None:
    proxy = world.network.http_proxy()
    dial = world.adapter.http_proxy(proxy.port)
    await use(world, f"https://localhost:{tls_port}", ssl_context=trusting, dial=dial)
    assert proxy.targets == [("localhost", tls_port)] * proxy.accepted


async def test_proxy_that_is_not_there(world: World) -> None:
    proxy = world.network.http_proxy()
    proxy.refuse()
    error = await world.failure(world.client(), dial=world.adapter.http_proxy(proxy.port))
    assert ConnectionRefusedError in causes(error)


async def test_tls_byte_by_byte(world: World, tls_port: int, trusting: ssl.SSLContext) -> None:
    proxy = world.network.proxy(tls_port)
    proxy.split = True
    watched = world.client(url=f"https://localhost:{proxy.port}")
    async with world.connect(watched, ssl_context=trusting) as socket:
        await world.upgraded(socket)
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_tls_connections_that_are_cut(world: World, tls_port: int, trusting: ssl.SSLContext) -> None:
    """Without a close_notify."""
    proxy = world.network.proxy(tls_port)
    watched = world.client(url=f"https://localhost:{proxy.port}", reconnection_delay=0.02)
    async with world.connect(watched, ssl_context=trusting) as socket:
        for reset in (True, False):
            await watched.expect("connect")
            await socket.call("ask", timeout=10)
            proxy.refuse()
            proxy.cut(reset=reset)
            assert await watched.expect("disconnect") in (["transport error"], ["transport close"])
            proxy.listen()
        await watched.expect("connect")
        assert await socket.call("ask", 1, timeout=10) == 1
