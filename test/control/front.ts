import { generateKeyPairSync } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import { createTestNamespace, temporalAddress } from "../setup/temporal.ts";
import { createDoor } from "../world/door.ts";
import { createRegistry } from "../records/registry.ts";

/**
 * Everything in front of the workflows: real database with rows that the record activities wrote,
 * control and the HTTP application, and a Temporal namespace in which nothing runs.
 */
export async function createFront() {
  const [registry, namespace] = await Promise.all([createRegistry(), createTestNamespace()]);
  const client = new Client({ connection: Connection.lazy({ address: temporalAddress() }), namespace });
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const { db, store, databaseUrl, folder } = registry;
  const door = await createDoor({ db, databaseUrl, client, store, keys, home: folder });
  return {
    ...registry,
    ...door,
    registry,
    client,
    namespace,
    keys,
    /** A request as it goes over the wire, with a token but nothing else added. */
    raw(path: string, init: RequestInit & { as?: string } = {}): Promise<Response> {
      const { as, headers, ...rest } = init;
      const sent = new Headers(headers);
      if (!sent.has("host")) sent.set("host", "127.0.0.1:4400");
      if (as !== undefined) sent.set("authorization", `Bearer ${door.tokens[as] ?? ""}`);
      return Promise.resolve(door.app.request(`http://127.0.0.1:4400${path}`, { ...rest, headers: sent }));
    },
    async stop() {
      await registry.stop();
      await client.connection.close();
    },
  };
}

export type Front = Awaited<ReturnType<typeof createFront>>;

/** A response's status and problem, or whatever JSON it holds. */
export async function told(response: Response): Promise<{ status: number; type: string; body: Record<string, unknown> }> {
  const text = await response.text();
  // Problems and views are objects.
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    body: JSON.parse(text) as Record<string, unknown>,
  };
}
