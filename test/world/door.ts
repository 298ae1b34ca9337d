import { randomUUID } from "node:crypto";
import type { Client } from "@temporalio/client";
import { createApp } from "../../api/app.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import { createControl } from "../../control/control.ts";
import { seedDevelopment } from "../../control/seed.ts";
import { createSigner } from "../../control/signing.ts";
import type { Db } from "../../db/database.ts";

export interface Answer<Body> {
  status: number;
  body: Body;
  headers: Headers;
}

/** A principal who sends requests to the HTTP application; commands get a key of their own unless one is given. */
export interface Caller {
  get<Body>(path: string): Promise<Answer<Body>>;
  post<Body>(path: string, body: unknown, key?: string): Promise<Answer<Body>>;
  put<Body>(path: string, body: unknown, key?: string): Promise<Answer<Body>>;
}

interface DoorDeps {
  db: Db;
  databaseUrl: string;
  client: Client;
  store: ArtifactStore;
  keys: { privateKey: string };
  home: string;
}

/** Control and the HTTP application, as bin/server.ts puts them together, with the seeded people. */
export async function createDoor(deps: DoorDeps) {
  const tokens = await seedDevelopment({ databaseUrl: deps.databaseUrl, home: deps.home, mode: "development" });
  const signer = createSigner({ privateKeyPem: deps.keys.privateKey });
  const control = createControl({
    db: deps.db,
    temporal: deps.client,
    store: deps.store,
    signer,
    publicUrl: "http://127.0.0.1:4400",
  });
  // A test asks many times a second how far a release is.
  const app = createApp({ control, development: true, rate: { perSecond: 10_000, burst: 10_000 } });

  async function send<Body>(
    as: string,
    request: { method: string; path: string; body?: unknown; key?: string },
  ): Promise<Answer<Body>> {
    const response = await app.request(`http://127.0.0.1:4400${request.path}`, {
      method: request.method,
      headers: {
        host: "127.0.0.1:4400",
        authorization: `Bearer ${tokens[as] ?? ""}`,
        ...(request.body !== undefined && { "content-type": "application/json", "idempotency-key": request.key ?? randomUUID() }),
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    // The test names the shape that the route answers with: a log is text.
    const answered = (text === "" ? null : isJson ? JSON.parse(text) : text) as Body;
    return { status: response.status, body: answered, headers: response.headers };
  }

  const as = (principal: string): Caller => ({
    get: (path) => send(principal, { method: "GET", path }),
    post: (path, body, key) => send(principal, { method: "POST", path, body, ...(key && { key }) }),
    put: (path, body, key) => send(principal, { method: "PUT", path, body, ...(key && { key }) }),
  });
  return { app, control, tokens, as };
}
