// The examples of the docs: each reads, writes, and follows a server that is killed and started again.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Program } from "./program.mjs";
import { skipped } from "./skipped.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const python = join(root, "tests/clients/.venv/bin/python");
const binary = process.env.POLLUX_BIN;

const examples = [
  { name: "typescript", needs: join(root, "examples/ts/dist/main.js"), command: process.execPath, args: [join(root, "examples/ts/dist/main.js")] },
  { name: "python", needs: python, command: python, args: [join(root, "examples/python/main.py")] },
];

const data = mkdtempSync(join(tmpdir(), "pollux-examples-"));
let address = "127.0.0.1:0";
let server;

/** Starts it, again where it was before. */
async function start() {
  server = new Program(binary, ["run", root, "--data", data, "--http", address, "--mqtt", "127.0.0.1:0"]);
  [, address] = await server.line(/ready http=(\S+)/);
}

const post = async (path, body) => {
  const response = await fetch(`http://${address}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
};
const rename = (name) => post("/graphql", { query: `mutation { updateMixer(id: "mixer-1", set: {name: "${name}"}) { seq } }` });

before(async () => {
  if (binary) await start();
});
after(async () => {
  await server?.kill();
  rmSync(data, { recursive: true, force: true });
});

for (const { name, needs, command, args } of examples) {
  let skip = false;
  if (!binary) skip = skipped(`example ${name}`, "POLLUX_BIN does not say where the binary is");
  else if (!existsSync(needs)) skip = skipped(`example ${name}`, `${needs} is not there, see \`make clients\``);

  test(`the ${name} example survives a restart of the server`, { skip }, async () => {
    const example = new Program(command, args, { env: { ...process.env, POLLUX_URL: `http://${address}` } });
    try {
      await example.line(/^query .* 800(\.0)? L /);
      await example.line(/^mutation mixer-1 at /);
      await example.line(/^values SNAPSHOT/);
      await example.line(/^change CAUGHT_UP/);
      const temperature = 50 + Math.floor(Math.random() * 1000) / 64;
      await post("/ingest/mixer-1", { temperature });
      await example.line(new RegExp(`^values DELTA ${temperature}$`));
      await rename(`${name} before`);
      await example.line(new RegExp(`^change ITEM ${name} before$`));

      await server.kill();
      await example.line(/^the server is away/);
      await start();
      await rename(`${name} after`);
      await example.line(new RegExp(`^values SNAPSHOT ${temperature}$`));
      await example.line(new RegExp(`^change ITEM ${name} after$`));
    } finally {
      await example.kill();
    }
  });
}
