import { defineConfig } from "vite";

export default defineConfig({
  // Pollux serves it there, also without a slash at the end, so addresses are absolute.
  base: "/graphiql/",
  build: {
    outDir: "../dist/graphiql",
    emptyOutDir: true,
    // Everything has a name with its hash in it, and comes from Pollux itself: data URLs would need a weaker policy.
    assetsInlineLimit: 0,
    // The editor is one large module; nobody loads a part of it.
    chunkSizeWarningLimit: 8192,
    rolldownOptions: {
      // Packages mark what runs in browsers for frameworks that also run on servers. Nothing here does.
      onLog: (level, log, next) => log.code === "MODULE_LEVEL_DIRECTIVE" || next(level, log),
    },
  },
  worker: { format: "es" },
});
