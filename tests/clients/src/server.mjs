// Where the running Pollux is. The tests that start one say so.
export const url = process.env.POLLUX_URL;
if (!url) throw new Error("set POLLUX_URL to the address of a running Pollux with the demo workspace, as in http://127.0.0.1:8080");

export const http = `${url}/graphql`;
export const socket = `${url.replace(/^http/, "ws")}/graphql/ws`;
export const sdl = `${url}/graphql/schema.graphql`;
export const ingest = (twin) => `${url}/ingest/${twin}`;

/** Publishes a reading and comes back when it is on disk. */
export async function publish(twin, values) {
  const response = await fetch(ingest(twin), { method: "POST", body: JSON.stringify(values), headers: { "content-type": "application/json" } });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

/** One request, answered as JSON. */
export async function ask(query, variables, extensions) {
  const response = await fetch(http, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query, variables, extensions }),
  });
  return response.json();
}
