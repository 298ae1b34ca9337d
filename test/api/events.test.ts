import { afterAll, beforeAll, expect, test } from "vitest";
import { createApp } from "../../api/app.ts";
import { createControl } from "../../control/control.ts";
import { createSigner } from "../../control/signing.ts";
import { listenToAudit, type AuditNotices } from "../../db/audit-notices.ts";
import { createFront, type Front } from "../control/front.ts";
import { applyExample, model, requestRelease } from "../records/passage.ts";

interface Event {
  id: string;
  event: string;
  data: { seq: number; kind: string; model: string | null; subject: string };
}

let front: Front;
let notices: AuditNotices;
let app: ReturnType<typeof createApp>;
const closing = new AbortController();
beforeAll(async () => {
  front = await createFront();
  notices = listenToAudit({ url: front.databaseUrl });
  const signer = createSigner({ privateKeyPem: front.keys.privateKey });
  app = createApp({
    control: createControl({
      db: front.db,
      temporal: front.client,
      store: front.store,
      signer,
      notices,
      closing: closing.signal,
    }),
  });
  await applyExample(front.registry);
});
afterAll(async () => {
  await notices?.stop();
  await front?.stop();
});

/** Opens a stream; `next` gives the next event. */
async function follow(as: string, path = "/api/events", headers: Record<string, string> = {}) {
  const ended = new AbortController();
  const response = await app.request(path, {
    headers: { authorization: `Bearer ${front.tokens[as]}`, ...headers },
    signal: ended.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  async function next(): Promise<Event | null> {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field("data");
        if (data !== undefined)
          return { id: field("id") ?? "", event: field("event") ?? "", data: JSON.parse(data) as Event["data"] };
        continue;
      }
      const read = await reader?.read();
      if (!read || read.done) return null;
      text += read.value;
    }
  }
  return { response, next, stop: () => reader?.cancel() };
}

test("a record comes while one looks, within a moment of its commit", async () => {
  const stream = await follow("ada");
  expect(stream.response.headers.get("content-type")).toContain("text/event-stream");
  const began = Date.now();
  const first = stream.next();
  await requestRelease(front.registry, 1);
  expect(await first).toMatchObject({
    event: "release.requested",
    data: { kind: "release.requested", model, subject: `${model}.1` },
  });
  expect(Date.now() - began).toBeLessThan(1_500);
  await stream.stop();
});

test("who comes again gets all after the last one seen, in order, none twice", async () => {
  const stream = await follow("olga", "/api/events", { "last-event-id": "0" });
  const { rows } = { rows: await front.db.selectFrom("audit").select("seq").orderBy("seq").execute() };
  for (const { seq } of rows) expect(await stream.next()).toMatchObject({ id: String(seq), data: { seq } });
  await stream.stop();
  const middle = rows[Math.floor(rows.length / 2)]?.seq ?? 0;
  const again = await follow("olga", "/api/events", { "last-event-id": String(middle) });
  expect((await again.next())?.data.seq).toBe(middle + 1);
  await again.stop();
});

test("one hears of what one may read only", async () => {
  const stream = await follow("grace", "/api/events", { "last-event-id": "0" });
  const first = await stream.next();
  expect(first?.data.model).toBe(model);
  await stream.stop();
  const stranger = await follow("pia", "/api/events", { "last-event-id": "0" });
  const heard = stranger.next();
  const own = await follow("olga");
  const told = own.next();
  await front.records.startRelease({ release: `${model}.1`, runId: "run" });
  expect((await told)?.event).toBe("release.started");
  // The stranger's stream has passed that record and holds nothing.
  expect(await Promise.race([heard, Promise.resolve("nothing")])).toBe("nothing");
  await Promise.all([stranger.stop(), own.stop()]);
});

test("a stream can be of one model", async () => {
  const stream = await follow("olga", `/api/events?model=${model}`, { "last-event-id": "0" });
  expect((await stream.next())?.data.model).toBe(model);
  await stream.stop();
});

test("an id that is none is bad input", async () => {
  const { response } = await follow("olga", "/api/events", { "last-event-id": "many" });
  expect(response.status).toBe(422);
});

test("a server that stops ends its streams", async () => {
  const stream = await follow("olga");
  const end = stream.next();
  closing.abort();
  expect(await end).toBeNull();
});
