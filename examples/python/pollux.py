"""A client of Pollux in one page: requests that are sent again until they are answered, and streams that go on where they were."""

import asyncio
import os
import sys

from gql import Client, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

PAUSE_SECONDS_MAX = 5.0

URL = os.environ.get("POLLUX_URL", "http://127.0.0.1:8080")


def http():
    return Client(transport=HTTPXAsyncTransport(url=f"{URL}/graphql"))


def socket():
    # It must be told the protocol: gql 4.4 looks for the server's choice under one spelling of the header's name only.
    protocols = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    return Client(transport=WebsocketsTransport(url=URL.replace("http", "ws", 1) + "/graphql/ws", subprotocols=protocols))


async def request(document, **variables):
    """One query or mutation. It waits for a server that is away, so give mutations a key: then they act once, however often they are sent."""
    tries = 0
    while True:
        try:
            async with http() as session:
                return await session.execute(asked(document, variables))
        except TransportQueryError as refused:
            if not all(error.get("extensions", {}).get("retryable") for error in refused.errors or [{}]):
                raise
        except (TransportError, OSError) as error:
            away(error)
        tries = await pause(tries)


async def subscribe(document, variables):
    """A subscription that outlives the server. `variables()` are asked for at each beginning: a lossless stream goes on from its last cursor."""
    tries = 0
    while True:
        try:
            async with socket() as session:
                async for item in session.subscribe(asked(document, variables())):
                    tries = 0
                    yield item
                return
        except TransportQueryError:
            raise
        except (TransportError, OSError) as error:
            away(error)
        tries = await pause(tries)


def asked(document, variables):
    """The document is checked and run by the server; here it is only text with values."""
    asking = gql(document)
    asking.variable_values = {name: value for name, value in variables.items() if value is not None}
    return asking


def away(error):
    print(f"the server is away: {error}", file=sys.stderr)


async def pause(tries):
    await asyncio.sleep(min(0.1 * 2**tries, PAUSE_SECONDS_MAX))
    return tries + 1
