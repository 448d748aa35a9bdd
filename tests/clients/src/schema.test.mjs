// The schema as other tools read it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema } from "graphql";
import { ask, sdl } from "./server.mjs";

const text = await (await fetch(sdl)).text();

test("the printed schema is valid", () => {
  assert.deepEqual(validateSchema(buildSchema(text)), []);
});

test("introspection says the same as the printed schema", async () => {
  const { data, errors } = await ask(getIntrospectionQuery({ oneOf: true, inputValueDeprecation: true, specifiedByUrl: true }));
  assert.equal(errors, undefined);
  const sorted = (schema) => printSchema(lexicographicSortSchema(schema));
  assert.equal(sorted(buildClientSchema(data)), sorted(buildSchema(text)));
});

test("the schema has a tag and is not sent twice", async () => {
  const first = await fetch(sdl);
  await first.text();
  const again = await fetch(sdl, { headers: { "if-none-match": first.headers.get("etag") } });
  assert.equal(again.status, 304);
});
