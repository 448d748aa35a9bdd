// Reads a mixer, renames it, and then follows it: its values as they are now, and its changes without a gap.
import { randomUUID } from "node:crypto";
import { graphql } from "./gql/index.js";
import { request, subscribe } from "./pollux.js";

const MIXER = graphql(`query Mixer($id: ID!) { mixer(id: $id) { name ratedVolume temperature { value unit quality time } } }`);

const RENAME = graphql(`
  mutation Rename($id: ID!, $name: String!, $key: String!) {
    updateMixer(id: $id, set: { name: $name }, idempotencyKey: $key) { seq mixer { name revision } userErrors { code message path } }
  }
`);

const VALUES = graphql(`subscription Values($id: ID!) { mixer(id: $id, maxRateHz: 10) { kind nodes { temperature { value quality } } } }`);

const CHANGES = graphql(`
  subscription Changes($id: ID!, $after: String) {
    changes(where: { ids: [$id] }, kinds: [UPDATED], after: $after) { kind cursor change { revision twin { name } } gap { from to reason } }
  }
`);

const id = process.argv[2] ?? "mixer-1";

async function followValues() {
  for await (const { mixer } of subscribe(VALUES, () => ({ id }))) {
    // After a connection was lost the first frame is a SNAPSHOT again: it replaces what was known.
    console.log("values", mixer.kind, mixer.nodes[0]?.temperature.value);
  }
}

async function followChanges() {
  let after: string | undefined;
  for await (const { changes } of subscribe(CHANGES, () => ({ id, after }))) {
    after = changes.cursor;
    if (changes.gap) console.log("changes are lost; read again what you need:", changes.gap.reason);
    else console.log("change", changes.kind, changes.change?.twin?.name ?? "");
  }
}

const { mixer } = await request(MIXER, { id });
if (!mixer) throw new Error(`there is no mixer ${id}`);
console.log("query", mixer.name, `${mixer.ratedVolume} L`, mixer.temperature.value, mixer.temperature.quality);

const { updateMixer } = await request(RENAME, { id, name: `${id} at ${new Date().toISOString()}`, key: randomUUID() });
// A mistake of the caller is data, and typed.
for (const { code, message } of updateMixer.userErrors) console.log("refused", code, message);
console.log("mutation", updateMixer.mixer?.name);

await Promise.all([followValues(), followChanges()]);
