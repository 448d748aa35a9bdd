// GraphQL over HTTP, by the audit suite of the specification's authors: what must and what should be is, without exception.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serverAudits } from "graphql-http";
import { http } from "./server.mjs";

for (const audit of serverAudits({ url: http, fetchFn: fetch })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", `${audit.name}: ${result.reason}`);
  });
}
