"""Importing this module cuts the running Python off from the network, for good.

Python can still reach this computer itself: loopback addresses, the name "localhost", and sockets
that are files. So Jupyter can talk to its kernels, and asyncio to itself.

An audit hook sees what every Python library does with sockets. An earlier
`from socket import create_connection` doesn't get around it, and it can't be removed. `conftest.py`
imports this module into pytest's process; `sitecustomize.py`, next to it, imports it into every
Python started from there.
"""

import sys

NAME_OR_ADDRESS_FIRST = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
ADDRESS_SECOND = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def block(event, arguments):
    if not event.startswith("socket."):
        return
    if event in NAME_OR_ADDRESS_FIRST:
        host = arguments[0]
    elif event == "socket.getnameinfo":
        host = arguments[0][0]
    elif event in ADDRESS_SECOND and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:  # another event, a socket that's a file, or one that's already connected
        return
    if not is_this_computer(host):
        raise ConnectionRefusedError(f"No network while the tests run: {event} for {host!r}.")


def is_this_computer(host):
    import ipaddress

    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0: all addresses of this computer


sys.addaudithook(block)
