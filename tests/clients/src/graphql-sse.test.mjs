// The reference client of graphql-sse, in distinct connections mode.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient } from "graphql-sse";
import { http, publish } from "./server.mjs";

const client = createClient({ url: http, retryAttempts: 0 });
after(() => client.dispose());

test("a query as an event stream", async () => {
  const items = [];
  for await (const item of client.iterate({ query: "{ __typename }" })) items.push(item);
  assert.deepEqual(items, [{ data: { __typename: "Query" } }]);
});

test("frames as an event stream", async () => {
  const query = 'subscription { readings(select: {twins: [{twin: "mixer-2", properties: ["temperature"]}]}, maxRateHz: 30) { kind keys index v } }';
  const frames = client.iterate({ query });
  const { value: first } = await frames.next();
  assert.deepEqual([first.data.readings.kind, first.data.readings.keys], ["SNAPSHOT", [["mixer-2", "temperature"]]]);
  await publish("mixer-2", { temperature: 62.5 });
  for await (const { data } of frames) {
    assert.equal(data.readings.kind, "DELTA");
    if (data.readings.v[0] === 62.5) break;
  }
});
