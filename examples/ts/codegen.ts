import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  // The schema of your own workspace: `pollux schema print > schema.graphql`.
  schema: process.env.SCHEMA ?? "../../graphql/demo.graphql",
  documents: "src/*.ts",
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: "string",
        enumsAsTypes: true,
        // As Node.js and this project import.
        importExtension: ".js",
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          Date: "string",
          DateTime: "string",
          Decimal: "string",
          Duration: "string",
          FloatArray: "(number | null)[]",
          JSON: "unknown",
          LocalTime: "string",
          // A string on output, since JavaScript loses integers above 2^53.
          Long: { input: "string | number", output: "string" },
          TimeArray: "number[]",
        },
      },
    },
  },
};

export default config;
