// The reference client of graphql-transport-ws.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { publish, socket } from "./server.mjs";

const client = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
after(() => client.dispose());

test("a query over the socket", async () => {
  const items = [];
  for await (const item of client.iterate({ query: '{ twin(id: "mixer-1") { id typeName } }' })) items.push(item);
  assert.deepEqual(items, [{ data: { twin: { id: "mixer-1", typeName: "Mixer" } } }]);
});

test("a snapshot, then what is published", async () => {
  const query = 'subscription { mixer(id: "mixer-2", maxRateHz: 30) { kind nodes { id temperature { value } } } }';
  const frames = client.iterate({ query });
  const { value: first } = await frames.next();
  assert.equal(first.data.mixer.kind, "SNAPSHOT");
  assert.equal(first.data.mixer.nodes[0].id, "mixer-2");
  await publish("mixer-2", { temperature: 61.25 });
  for await (const { data, errors } of frames) {
    assert.equal(errors, undefined);
    assert.equal(data.mixer.kind, "DELTA");
    if (data.mixer.nodes[0].temperature.value === 61.25) break;
  }
});

test("many operations at once, each with its own answers", async () => {
  const one = async (n) => {
    const items = [];
    for await (const item of client.iterate({ query: `{ n${n}: __typename }` })) items.push(item.data);
    assert.deepEqual(items, [{ [`n${n}`]: "Query" }]);
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => one(n)));
});

test("a document that is not valid is an error of its operation, and the socket goes on", async () => {
  await assert.rejects(async () => {
    for await (const _ of client.iterate({ query: "{ nothingLikeThat }" }));
  });
  for await (const item of client.iterate({ query: "{ __typename }" })) assert.deepEqual(item, { data: { __typename: "Query" } });
});
