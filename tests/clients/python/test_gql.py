"""Python's gql: queries and mutations over HTTP, subscriptions over a socket that is kept alive and comes back."""

import asyncio
import json
import os
import unittest
import urllib.request
import uuid

from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["POLLUX_URL"]
SOCKET = URL.replace("http", "ws", 1) + "/graphql/ws"

MIXER = gql("query ($id: ID!) { mixer(id: $id) { id name revision temperature { value unit quality } } }")
RENAME = gql(
    "mutation ($id: ID!, $name: String!, $key: String) {"
    " updateTwin(input: {id: $id, name: $name}, idempotencyKey: $key) { seq twin { name revision } userErrors { code path } } }"
)
FRAMES = gql('subscription { mixer(id: "mixer-2", maxRateHz: 30) { kind nodes { temperature { value } } } }')


def publish(twin, values):
    """Comes back when the reading is on disk."""
    body = json.dumps(values).encode()
    request = urllib.request.Request(f"{URL}/ingest/{twin}", body, {"content-type": "application/json"})
    urllib.request.urlopen(request).close()


def socket(**options):
    # It must be told the protocol: gql 4.4 looks for the server's choice under one spelling of the header's name only, and takes the old one otherwise.
    protocols = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    return Client(transport=WebsocketsTransport(url=SOCKET, subprotocols=protocols, **options), fetch_schema_from_transport=False)


class Http(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # With the schema fetched, gql checks documents before it sends them.
        self.client = Client(transport=HTTPXAsyncTransport(url=f"{URL}/graphql"), fetch_schema_from_transport=True)
        self.session = await self.client.connect_async()
        self.addAsyncCleanup(self.client.close_async)

    async def ask(self, document, **values):
        document.variable_values = values
        return await self.session.execute(document)

    async def test_a_query_with_variables(self):
        answer = await self.ask(MIXER, id="mixer-1")
        self.assertEqual(answer["mixer"]["id"], "mixer-1")
        self.assertEqual(answer["mixer"]["temperature"]["unit"], "degC")

    async def test_a_mutation_that_is_sent_twice_acts_once(self):
        name, key = f"Mixer {uuid.uuid4()}", str(uuid.uuid4())
        first = await self.ask(RENAME, id="mixer-2", name=name, key=key)
        self.assertEqual(first["updateTwin"]["userErrors"], [])
        self.assertEqual(first["updateTwin"]["twin"]["name"], name)
        again = await self.ask(RENAME, id="mixer-2", name=name, key=key)
        self.assertEqual(again, first)
        self.assertEqual((await self.ask(MIXER, id="mixer-2"))["mixer"]["revision"], first["updateTwin"]["twin"]["revision"])

    async def test_a_key_is_for_one_request(self):
        key = str(uuid.uuid4())
        await self.ask(RENAME, id="mixer-2", name="Mixer 2", key=key)
        other = await self.ask(RENAME, id="mixer-2", name="Another mixer", key=key)
        self.assertEqual([mistake["code"] for mistake in other["updateTwin"]["userErrors"]], ["IDEMPOTENCY_KEY_REUSED"])


class Socket(unittest.IsolatedAsyncioTestCase):
    async def test_frames(self):
        async with socket() as session:
            async for frame in session.subscribe(FRAMES):
                if frame["mixer"]["kind"] == "SNAPSHOT":
                    await asyncio.to_thread(publish, "mixer-2", {"temperature": 63.25})
                elif frame["mixer"]["nodes"][0]["temperature"]["value"] == 63.25:
                    break

    async def test_its_pings_are_answered(self):
        # gql closes the socket when a pong stays out, which would end the subscription with an error.
        async with socket(ping_interval=0.05, pong_timeout=2) as session:
            transport, answered = session.transport, 0
            async for frame in session.subscribe(FRAMES):
                while answered < 3:
                    await asyncio.wait_for(transport.pong_received.wait(), 5)
                    transport.pong_received.clear()
                    answered += 1
                break
            self.assertEqual(answered, 3)

    async def test_it_comes_back_after_its_connection_is_lost(self):
        client = socket()
        session = await client.connect_async(reconnecting=True, retry_connect=True, retry_execute=True)
        self.addAsyncCleanup(client.close_async)
        document = gql("{ __typename }")
        self.assertEqual(await session.execute(document), {"__typename": "Query"})
        session.transport.adapter.websocket.transport.abort()
        self.assertEqual(await session.execute(document), {"__typename": "Query"})


if __name__ == "__main__":
    unittest.main()
