// The docs follow the types: when the server takes on a new schema, it is read again.
import { useGraphiQLActions } from "@graphiql/react";
import { createClient } from "graphql-ws";
import { useEffect } from "react";

export function Following({ socket }) {
  const { introspect } = useGraphiQLActions();
  useEffect(() => {
    const client = createClient({ url: socket, retryAttempts: Infinity });
    const sink = { next: () => introspect(), error: () => {}, complete: () => {} };
    client.subscribe({ query: "subscription { schemaChanged { revision } }" }, sink);
    return () => void client.dispose();
  }, [socket, introspect]);
  return null;
}
