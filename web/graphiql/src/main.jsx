// GraphiQL for the API of the Pollux that serves this page: queries and mutations by HTTP, subscriptions by the socket.
import "./workers/index.js";
import "graphiql/style.css";
import "./page.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { examples } from "./examples/index.js";
import { Following } from "./following.jsx";

// `/graphiql?view=hvac` is the console of that view.
const view = new URLSearchParams(location.search).get("view");
const address = (path) => {
  const url = new URL(path, location.origin);
  if (view) url.searchParams.set("view", view);
  return url;
};
const socket = address("/graphql/ws");
socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const fetcher = createGraphiQLFetcher({ url: address("/graphql").href, subscriptionUrl: socket.href });

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL fetcher={fetcher} defaultTabs={examples} defaultEditorToolsVisibility={false} inputValueDeprecation schemaDescription>
    <GraphiQL.Logo>Pollux</GraphiQL.Logo>
    <Following socket={socket.href} />
  </GraphiQL>,
);
