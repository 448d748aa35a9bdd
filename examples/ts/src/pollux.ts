// A client of Pollux in one page: requests that are sent again until they are answered, and streams that go on where they were.
import { setTimeout as pause } from "node:timers/promises";
import { type ExecutionResult } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { TypedDocumentString } from "./gql/graphql.js";

const PAUSE_MS_MAX = 5_000;

const url = process.env.POLLUX_URL ?? "http://127.0.0.1:8080";
// Each stream decides for itself what to do when the connection is lost.
const sockets = createClient({ url: `${url.replace(/^http/, "ws")}/graphql/ws`, webSocketImpl: WebSocket, retryAttempts: 0 });

/** One query or mutation. It waits for a server that is away, so give mutations an `idempotencyKey`: then they act once, however often they are sent. */
export async function request<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> {
  for (let tries = 0; ; tries++) {
    const answer = await once(document, variables).catch(away);
    if (answer?.data) return answer.data;
    const errors = answer?.errors ?? [];
    if (!errors.every((error) => error.extensions?.retryable)) throw new Error(errors.map((error) => error.message).join("\n"));
    await wait(tries);
  }
}

/** A subscription that outlives the server. `variables` are asked for at each beginning: a lossless stream goes on from its last cursor. */
export async function* subscribe<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: () => Variables): AsyncGenerator<Data> {
  for (let tries = 0; ; tries++) {
    try {
      const payload = { query: document.toString(), variables: variables() as Record<string, unknown> };
      for await (const { data, errors } of sockets.iterate<Data>(payload)) {
        if (!data) throw errors;
        tries = 0;
        yield data;
      }
      return;
    } catch (error) {
      // Errors are about the operation; all else is about the connection.
      if (Array.isArray(error)) throw new Error(error.map(({ message }) => message).join("\n"));
      away(error);
    }
    await wait(tries);
  }
}

async function once<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<ExecutionResult<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  return (await response.json()) as ExecutionResult<Data>;
}

function away(error: unknown): undefined {
  console.error(`the server is away: ${error instanceof Error ? error.message : "the connection is closed"}`);
}

const wait = (tries: number) => pause(Math.min(100 * 2 ** tries, PAUSE_MS_MAX));
