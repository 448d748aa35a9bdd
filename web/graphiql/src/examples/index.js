// What the tabs hold at first. Only the core API, since every workspace has it.
const files = import.meta.glob("./*.graphql", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(files)
  .sort()
  .map((name) => ({ query: files[name] }));
