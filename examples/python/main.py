"""Reads a mixer, renames it, and then follows it: its values as they are now, and its changes without a gap."""

import asyncio
import sys
import uuid
from datetime import datetime, timezone

from pollux import request, subscribe

MIXER = "query Mixer($id: ID!) { mixer(id: $id) { name ratedVolume temperature { value unit quality time } } }"

RENAME = """
mutation Rename($id: ID!, $name: String!, $key: String!) {
  updateMixer(id: $id, set: { name: $name }, idempotencyKey: $key) { seq mixer { name revision } userErrors { code message path } }
}
"""

VALUES = "subscription Values($id: ID!) { mixer(id: $id, maxRateHz: 10) { kind nodes { temperature { value quality } } } }"

CHANGES = """
subscription Changes($id: ID!, $after: String) {
  changes(where: { ids: [$id] }, kinds: [UPDATED], after: $after) { kind cursor change { revision twin { name } } gap { from to reason } }
}
"""


def say(*words):
    print(*words, flush=True)


async def follow_values(id):
    async for item in subscribe(VALUES, lambda: {"id": id}):
        # After a connection was lost the first frame is a SNAPSHOT again: it replaces what was known.
        frame = item["mixer"]
        say("values", frame["kind"], *(node["temperature"]["value"] for node in frame["nodes"]))


async def follow_changes(id):
    after = None
    async for item in subscribe(CHANGES, lambda: {"id": id, "after": after}):
        change = item["changes"]
        after = change["cursor"]
        if change["gap"]:
            say("changes are lost; read again what you need:", change["gap"]["reason"])
        else:
            say("change", change["kind"], change["change"]["twin"]["name"] if change["change"] else "")


async def main(id):
    mixer = (await request(MIXER, id=id))["mixer"]
    if mixer is None:
        sys.exit(f"there is no mixer {id}")
    say("query", mixer["name"], f"{mixer['ratedVolume']} L", mixer["temperature"]["value"], mixer["temperature"]["quality"])

    name = f"{id} at {datetime.now(timezone.utc).isoformat()}"
    payload = (await request(RENAME, id=id, name=name, key=str(uuid.uuid4())))["updateMixer"]
    # A mistake of the caller is data.
    for mistake in payload["userErrors"]:
        say("refused", mistake["code"], mistake["message"])
    say("mutation", payload["mixer"] and payload["mixer"]["name"])

    await asyncio.gather(follow_values(id), follow_changes(id))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "mixer-1"))
