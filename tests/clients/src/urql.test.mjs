// urql: queries and mutations over HTTP, subscriptions over the socket.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { http, publish, socket } from "./server.mjs";

const sockets = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
after(() => sockets.dispose());
const forward = (request) => ({
  subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? "" }, sink) }),
});
const client = new Client({ url: http, exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription: forward })] });

test("a typed query with variables", async () => {
  const query = "query ($first: Int!) { mixers(first: $first, orderBy: {field: ID}) { nodes { id temperature { value unit } } } }";
  const { data, error } = await client.query(query, { first: 2 }).toPromise();
  assert.equal(error, undefined);
  assert.deepEqual(data.mixers.nodes.map((mixer) => mixer.id), ["mixer-1", "mixer-2"]);
});

test("a mistake in a mutation is data", async () => {
  const mutation = 'mutation { updateTwin(input: {id: "no-such-twin", name: "x"}) { twin { id } userErrors { code path } } }';
  const { data, error } = await client.mutation(mutation, {}).toPromise();
  assert.equal(error, undefined);
  assert.equal(data.updateTwin.userErrors[0].code, "UNKNOWN_TWIN");
});

test("a subscription", async () => {
  const frames = [];
  await new Promise((resolve) => {
    const query = 'subscription { twin(id: "mixer-2", maxRateHz: 30) { kind twins { id ... on Mixer { temperature { value } } } } }';
    const { unsubscribe } = client.subscription(query, {}).subscribe(({ data }) => {
      frames.push(data.twin.kind);
      if (frames.length === 1) publish("mixer-2", { temperature: 60 + Math.random() });
      if (frames.length === 2) resolve(unsubscribe());
    });
  });
  assert.deepEqual(frames, ["SNAPSHOT", "DELTA"]);
});
