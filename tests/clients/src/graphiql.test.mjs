// GraphiQL in a real browser: it works, and it asks no host but Pollux.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { browse, chromium } from "./chromium.mjs";
import { publish, url } from "./server.mjs";
import { skipped } from "./skipped.mjs";

const command = chromium();
const built = (await fetch(`${url}/graphiql`)).ok;
let skip = false;
if (!command) skip = skipped("graphiql", "chromium is not installed");
else if (!built) skip = skipped("graphiql", "Pollux was built without GraphiQL, see `make web`");

let browser, page;
before(async () => {
  if (skip) return;
  browser = await browse(command);
  page = browser.page;
  await page.open(`${url}/graphiql`);
});
after(() => browser?.close());

const RUN = "button.graphiql-execute-button";
const RESPONSE = ".graphiql-response .view-lines";
const tab = (number) => `.graphiql-tabs > :nth-child(${number}) .graphiql-tab-button`;

test("it reads the schema", { skip }, async () => {
  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.shows(".graphiql-doc-explorer", "Subscription");
  assert.equal(await page.run(() => document.title), "Pollux");
});

test("a query runs", { skip }, async () => {
  await page.shows(".graphiql-query-editor .view-lines", "query Twins");
  await page.click(RUN);
  await page.shows(RESPONSE, '"typeName": "Bearing"');
  if (process.env.GRAPHIQL_PICTURE) writeFileSync(process.env.GRAPHIQL_PICTURE, await page.picture());
});

test("a subscription goes on", { skip }, async () => {
  await page.click(tab(3));
  await page.shows(".graphiql-query-editor .view-lines", "subscription Live");
  // A tenth of a second after it shows a text the editor reads which operations are in it, and stores it; until then it would ask for the
  // operation of the tab before.
  await page.stores("graphiql:query", "subscription Live");
  await page.click(RUN);
  await page.shows(RESPONSE, '"SNAPSHOT"');
  await publish("boiler-1", { steamPressure: 7 + Math.random() });
  await page.shows(RESPONSE, '"DELTA"');
  await page.click(RUN);
});

test("nobody else was asked, and nothing went wrong", { skip }, () => {
  const own = [`${url}/`, `${url.replace(/^http/, "ws")}/`, "data:"];
  const foreign = [...page.asked].filter((asked) => !own.some((start) => asked.startsWith(start)));
  assert.deepEqual(foreign, []);
  assert.ok([...page.asked].some((asked) => asked.endsWith("/graphql/ws")));
  assert.deepEqual(page.trouble, []);
});
