import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "pino";
import { CountersignError } from "../domain/errors.ts";
import { decodeUtf8 } from "../domain/http/utf8.ts";
import { modelNamePattern } from "../domain/ids.ts";
import { keepRefusedMs, type Bearer } from "./bearer.ts";
import { readHealth } from "./health.ts";
import type { Predictor } from "./predictor.ts";
import { problemResponse } from "./problem.ts";
import type { SlotFollower } from "./slot-follower.ts";
import type { Slot } from "./slot-switch.ts";
import { framesOf, toldError } from "../ml/told-error.ts";

export interface ServingAppOptions {
  follower: SlotFollower;
  predictor: Predictor;
  /** Throws `unauthenticated`, `forbidden`, `unavailable`. */
  bearerOf(authorization: string | undefined, scope: "predict" | "read", mostAgeMs?: number): Promise<Bearer>;
  logger: Logger;
}

/** A thousand rows of forty columns have about 1 MiB. */
const maxBodyBytes = 4 * 1024 * 1024;
const maxKeyLength = 200;

/** The prediction endpoint of api.md, what is served, and health. Errors are problem documents. */
export function createServingApp({ follower, predictor, bearerOf, logger }: ServingAppOptions): Hono {
  const app = new Hono();
  app.onError((error) => {
    if (!(error instanceof CountersignError) || error.code === "internal")
      logger.error({ why: toldError(error), at: framesOf(error) }, "a request failed");
    return problemResponse(error);
  });
  app.notFound((c) => problemResponse(new CountersignError("not-found", `There is nothing at ${c.req.method} ${c.req.path}.`)));

  app.get("/health/live", (c) => c.json({ status: "up" }));
  app.get("/health/ready", (c) => {
    const health = readHealth(follower);
    return c.json(health, health.status === "down" ? 503 : 200);
  });
  app.get("/slots", async (c) => {
    const bearer = await bearerOf(c.req.header("authorization"), "read");
    return c.json({
      items: follower
        .slots()
        .filter((slot) => bearer.reads(slot.model))
        .map(describeSlot),
    });
  });
  app.post(
    "/api/models/:model/predictions",
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => problemResponse(new CountersignError("too-large", `A request has ${maxBodyBytes} bytes at most.`)),
    }),
    async (c) => {
      const model = await knownModel(c.req.param("model"), c.req.header("authorization"));
      const environment = c.req.query("environment") ?? "production";
      if (!modelNamePattern.test(environment))
        throw new CountersignError("invalid", "The environment is no valid name.", {
          faults: [{ path: "environment", message: "must be a name such as production" }],
        });
      const slot = follower.slot(model, environment);
      if (slot === undefined) throw new CountersignError("no-champion", `No version of ${model} serves in ${environment}.`);
      return c.json(await predictor.predict(slot, readBody(c.req.header("content-type"), decodeUtf8(await c.req.arrayBuffer()))));
    },
  );

  /** What one may not see does not exist. */
  async function knownModel(name: string, authorization: string | undefined): Promise<string> {
    const bearer = await bearerOf(authorization, "predict");
    if (!modelNamePattern.test(name)) throw unknownModel(name);
    // A model registered a moment ago may not have been read yet, nor who may see it.
    if (follower.model(name) === undefined) await follower.refresh();
    if (follower.model(name) === undefined && follower.database().up !== true)
      throw new CountersignError("unavailable", "The database is away, and with it what is known of this model.");
    const reads = bearer.reads(name) || (await bearerOf(authorization, "predict", keepRefusedMs)).reads(name);
    if (follower.model(name) === undefined || !reads) throw unknownModel(name);
    return name;
  }

  return app;
}

function unknownModel(name: string): CountersignError {
  return new CountersignError("not-found", `There is no model ${name.slice(0, 63)}.`);
}

function readBody(contentType: string | undefined, text: string | null): { instances: unknown; key: string | null } {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? ""))
    throw new CountersignError("unsupported-type", "Predictions are asked for in application/json.");
  if (text === null) throw new CountersignError("malformed-body", "The body is not UTF-8; encode its text so.");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    // The parser quotes the body, and a refusal may be logged.
    const at = / at position \d+/.exec(error instanceof Error ? error.message : "")?.[0] ?? "";
    throw new CountersignError("malformed-body", `The body is no JSON${at}.`);
  }
  const malformed = (path: string, message: string) =>
    new CountersignError("invalid", `${path} ${message}.`, { faults: [{ path, message }] });
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw malformed("body", "must be an object with `instances`");
  const given = new Map<string, unknown>(Object.entries(body));
  for (const name of given.keys())
    if (name !== "instances" && name !== "key")
      throw malformed(name.slice(0, 63), "is not known here; a prediction takes `instances` and `key`");
  const key = given.get("key") ?? null;
  if (
    key !== null &&
    (typeof key !== "string" || key.length === 0 || key.length > maxKeyLength || key.includes("\0") || !key.isWellFormed())
  )
    throw malformed("key", `must be a text of 1 to ${maxKeyLength} characters`);
  return { instances: given.get("instances"), key };
}

/** Ages in seconds, of the data that a lookup holds: the last time in it, where it has a time. */
function describeSlot({ model, environment, epoch, serving, servingSince, wanted, fault }: Slot) {
  return {
    model,
    environment,
    epoch,
    version: serving?.version ?? null,
    servingSince,
    loadedAt: serving?.loadedAt ?? null,
    lookups: (serving?.lookups ?? []).map(({ name, rows, asOf }) => ({
      name,
      rows,
      asOf,
      ageSeconds: asOf === null ? null : Math.round((Date.now() - Date.parse(asOf)) / 1000),
    })),
    wanted,
    fault,
  };
}
