"""Which addresses may be asked, and how an address is shown: no way into the inner network, no secret in a message.

Redirects: RFC 9110 section 15.4. They are followed to https only, and only to hosts that belong to the one that was
asked: the same, one under the other (example.org, feeds.example.org), or one that the plan names in
`network.redirect_hosts`. That holds for requests without credentials too: a feed whose address has moved to another
company is not the feed that the plan chose, so a person reads where it went and writes the new address.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterator
from urllib.parse import urljoin, urlsplit

from requests.utils import get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from coolhead.errors import ConfigError, PermanentError

_PRIVATE = "{0} is a private address; to allow it, write network.private_hosts: [{0}] in brands.yaml"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_EMBEDS = (ipaddress.ip_network("::/96"), ipaddress.ip_network("64:ff9b::/96"))
"""An IPv4 address stands in the last 32 bits."""
_INNER = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("64:ff9b:1::/48"))
"""For protocols and for translation within one network (RFC 6890, RFC 8215); `ipaddress` calls parts of them global."""


def shown(url: str) -> str:
    """An address for messages and origins: no user info, no query, and `...` for segments that may be tokens."""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return "(unreadable address)"
    # A webhook's secret is a path segment: long, and not just a number.
    path = "/".join("..." if len(s) >= 20 and not s.isdigit() else s for s in parts.path.split("/"))
    return f"{parts.scheme}://{host}{path}"


def host_of(url: str) -> str:
    """Raises ConfigError for what is no web address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{shown(url)}: no web address; write e.g. https://example.org/feed.xml")
    return parts.hostname


def refuse_private(url: str) -> None:
    """Raises ConfigError where the host lies in the inner network; behind a proxy names are the proxy's matter, numbers are
    not."""
    host = host_of(url)
    proxied = select_proxy(url, get_environ_proxies(url))
    if any(is_private(address) for address in resolved(host, socket.AI_NUMERICHOST if proxied else 0)):
        raise ConfigError(_PRIVATE.format(host))


def refuse_peer(host: str, sock: socket.socket) -> None:
    """The same, of the very connection: a name may resolve differently the second time."""
    if is_private(sock.getpeername()[0]):
        sock.close()
        raise ConfigError(_PRIVATE.format(host))


def resolved(host: str, flags: int = 0) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)]
    except (OSError, UnicodeError):
        return []  # connecting will say so, and is retried


def is_private(address: str) -> bool:
    return not all(_is_public(ip) for ip in _reached(ipaddress.ip_address(address)))


def _reached(ip: _Address) -> Iterator[_Address]:
    """The address, or the IPv4 ones that it stands for: mapped, compatible, NAT64 (RFC 6052), 6to4, Teredo."""
    if isinstance(ip, ipaddress.IPv4Address):
        yield ip
    elif ip.ipv4_mapped or any(ip in net for net in _EMBEDS):
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    elif ip.sixtofour:
        yield ip.sixtofour
    else:
        yield from (ip, *(ip.teredo or ()))


def _is_public(ip: _Address) -> bool:
    inner = getattr(ip, "is_site_local", False) or any(ip in net for net in _INNER)
    return ip.is_global and not ip.is_multicast and not inner


def redirected(method: str, origin: str, here: str, status: int, location: str, allowed: Collection[str]) -> str:
    """Where a redirect leads. Raises PermanentError where it is not followed."""
    try:
        target = urljoin(here, location)
        first, last = urlsplit(origin), urlsplit(target)
    except ValueError:
        raise PermanentError(f"{shown(here)}: redirects to no valid address") from None
    if last.scheme != "https" and not (last.scheme == first.scheme == "http" and last.hostname == first.hostname):
        raise PermanentError(f"{shown(here)}: redirects to {shown(target)}, which is not https; not followed")
    if method == "POST" and (status not in {307, 308} or last.hostname != first.hostname):
        # A POST turned into a GET would lose its message; one sent elsewhere would give it away.
        raise PermanentError(f"POST {shown(here)}: moved to {shown(target)}; write the new address in the connection")
    old, new = first.hostname or "", last.hostname or ""
    if not (_under(new, old) or _under(old, new) or any(_under(new, host.lower()) for host in allowed)):
        raise PermanentError(
            f"{shown(here)}: redirects to {shown(target)}, another host; not followed. Write the new address into the plan, or "
            f"network.redirect_hosts: [{new}] in brands.yaml if it may lead there"
        )
    return target


def _under(host: str, parent: str) -> bool:
    """The same, or a name below it; `www.` is no difference, and a bare ending (`com`) nobody's parent."""
    name, over = host.removeprefix("www."), parent.removeprefix("www.")
    return name == over or ("." in over and name.endswith(f".{over}"))


def guarded(pool: type[HTTPConnectionPool], connected: Callable[[str, socket.socket], None]) -> type[HTTPConnectionPool]:
    """A pool that hands every new connection to `connected`, with the host it is for, before a byte is sent."""
    base = pool.ConnectionCls

    def _new_conn(self: HTTPConnection) -> socket.socket:
        sock: socket.socket = base._new_conn(self)  # type: ignore[attr-defined]
        connected(self.host, sock)
        return sock

    return type("Guarded", (pool,), {"ConnectionCls": type("GuardedConnection", (base,), {"_new_conn": _new_conn})})
