// Apollo Client with its normalized cache: interfaces, pages, persisted queries.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createHash } from "node:crypto";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { http, publish, socket } from "./server.mjs";

const sockets = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
const persisted = new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") });
const link = ApolloLink.split(
  ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
  new GraphQLWsLink(sockets),
  persisted.concat(new HttpLink({ uri: http })),
);
const client = new ApolloClient({ link, cache: new InMemoryCache() });
after(() => {
  client.stop();
  sockets.dispose();
});

const MIXERS = gql`query ($after: String) { mixers(first: 1, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }`;

test("pages join into the whole list", async () => {
  const ids = [];
  for (let after = null; ; ) {
    const { data } = await client.query({ query: MIXERS, variables: { after }, fetchPolicy: "network-only" });
    ids.push(...data.mixers.nodes.map((mixer) => mixer.id));
    if (!data.mixers.pageInfo.hasNextPage) break;
    after = data.mixers.pageInfo.endCursor;
  }
  const { data } = await client.query({ query: gql`{ mixers { nodes { id } } }` });
  assert.deepEqual(ids, data.mixers.nodes.map((mixer) => mixer.id));
  assert.ok(ids.length > 1);
});

test("a subscription", async () => {
  const query = gql`subscription { mixer(id: "mixer-2", maxRateHz: 30) { kind nodes { id temperature { value } } } }`;
  await new Promise((resolve, reject) => {
    const running = client.subscribe({ query }).subscribe({
      error: reject,
      next: ({ data }) => {
        if (data.mixer.kind === "SNAPSHOT") publish("mixer-2", { temperature: 64.75 }).catch(reject);
        else if (data.mixer.nodes[0].temperature.value === 64.75) resolve(running.unsubscribe());
      },
    });
  });
});
