// Where the editor finds its workers. This comes before anything that imports the editor.
import EditorWorker from "./editor.js?worker";
import GraphQLWorker from "./graphql.js?worker";
import JsonWorker from "./json.js?worker";

const workers = { graphql: GraphQLWorker, json: JsonWorker };

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new (workers[label] ?? EditorWorker)(),
};
