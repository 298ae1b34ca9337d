import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRemoteOffers, type RemoteDeps } from "../../activities/sources/remote-offers.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { createSourceFiles } from "../../db/source-files.ts";
import type { SourceDefinition } from "../../domain/definition-schema.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import type { StageTools } from "../../ml/stage-tools.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { checkout } from "./example.ts";
import { s3Credentials, startS3, type S3Server } from "./s3-server.ts";
import { startUnreliable, startWebServer, type WebServer } from "./web-server.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

type Answer = ServerResponse;
let bench: Workbench;
let database: TestDatabase;
let db: Db;
let s3: S3Server;
const servers: WebServer[] = [];
const quick = { answerWithinMs: 500, stallMs: 500, pausesMs: [10, 20] };
const csv = 'id,at,name\n1,2024-01-31T10:00:00,anna\n2,2024-02-01T00:00:00,\n3,2024-03-05T08:30:00,"o, tto"\n';

beforeAll(async () => {
  bench = await createWorkbench();
  database = await createTestDatabase();
  db = createDatabase({ url: database.url, max: 2 });
  s3 = await startS3("lake");
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL_S3: s3.origin,
  });
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  await s3.close();
  await db.destroy();
  await database.drop();
  await bench.remove();
});

async function web(answer: Parameters<typeof startWebServer>[0]): Promise<WebServer> {
  const server = await startWebServer(answer);
  servers.push(server);
  return server;
}

async function store(trouble: Parameters<typeof startUnreliable>[1]): Promise<WebServer> {
  const server = await startUnreliable(s3.origin, trouble);
  servers.push(server);
  process.env["AWS_ENDPOINT_URL_S3"] = server.origin;
  return server;
}
afterEach(() => {
  process.env["AWS_ENDPOINT_URL_S3"] = s3.origin;
});

function freeze(source: SourceDefinition, deps: Partial<RemoteDeps> = {}, tools: StageTools = unwatched) {
  const remote = createRemoteOffers({
    hosts: ["s3://lake"],
    development: true,
    own: [],
    connections: {},
    limits: quick,
    ...deps,
  });
  const data = { rows: "people", sources: { people: source } };
  return freezeDataset(
    { dataRoot: rootAt(bench.dataRoot), store: bench.store, data, parameters: {}, remote, memory: createSourceFiles(db) },
    tools,
  );
}

describe("files of a web server", () => {
  test("are frozen by content, and not fetched again while their ETag stands", async () => {
    let etag = '"one"';
    let text = csv;
    const server = await web((request, response) => {
      response.setHeader("etag", etag);
      if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
      else response.end(text);
    });
    const source = { files: `${server.origin}/people.csv?key=secret` };
    const first = await freeze(source);
    expect(first.manifest.sources["people"]).toMatchObject({
      format: "csv",
      rows: 3,
      files: [{ name: `${server.origin}/people.csv` }],
    });
    const second = await freeze(source);
    expect(second.manifest).toEqual(first.manifest);
    expect(second.summary).toMatch(/1 unchanged file not read again$/);
    expect(server.asked.map((request) => request.headers["if-none-match"])).toEqual([undefined, '"one"']);
    [etag, text] = ['"two"', `${csv}4,2024-03-06T00:00:00,eva\n`];
    expect((await freeze(source)).manifest.sources["people"]?.rows).toBe(4);
  });

  test("are read on from where a connection broke, and only the same bytes", async () => {
    const body = Buffer.from(csv.repeat(1));
    const server = await web((request, response) => {
      response.setHeader("etag", '"whole"');
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (from > 0) {
        response.writeHead(206, {
          "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
          "content-length": body.length - from,
        });
        response.end(body.subarray(from));
        return;
      }
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 20), () => response.destroy());
    });
    const { manifest } = await freeze({ files: `${server.origin}/people.csv` });
    const digest = manifest.sources["people"]?.files[0]?.digest ?? "sha256:";
    expect((await bench.store.get(digest)).equals(body)).toBe(true);
    expect(server.asked[1]?.headers).toMatchObject({ range: "bytes=20-", "if-range": '"whole"' });
  });

  test.each([
    ["an answer of 404", "source-missing", (response: Answer): void => void response.writeHead(404).end()],
    ["an answer of 403", "source-unreadable", (response: Answer): void => void response.writeHead(403).end()],
    ["answers of 503 without an end", "transient", (response: Answer): void => void response.writeHead(503).end()],
    ["a server that falls silent in the middle", "transient", (response: Answer): void => void response.write("id,at\n")],
    ["a file larger than is fetched", "source-unreadable", (response: Answer): void => void response.end("x".repeat(5_000))],
    [
      "an endless redirect",
      "source-unreadable",
      (response: Answer): void => void response.writeHead(302, { location: "/people.csv" }).end(),
    ],
    [
      "a redirect to a host that is not allowed",
      "source-unreadable",
      (response: Answer): void => void response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
    ],
  ] as const)("%s ends as %s, in bounded time", async (_name, code, answer) => {
    const server = await web((_request, response) => answer(response));
    const failure = await failureOf(freeze({ files: `${server.origin}/people.csv` }, { limits: { ...quick, bytes: 4_000 } }));
    expect(failure.code).toBe(code);
    expect(failure.faults[0]?.path).toBe("data.sources.people.files");
    expect(server.asked.length).toBeLessThanOrEqual(6);
  });

  test("are asked of allowed hosts alone, the loopback in development alone", async () => {
    const server = await web((_request, response) => void response.end(csv));
    const { port } = new URL(server.origin);
    const source = { files: `${server.origin}/people.csv` };
    expect(await failureOf(freeze(source, { development: false }))).toMatchObject({ code: "source-unreadable" });
    expect(await failureOf(freeze(source, { development: false, hosts: ["127.0.0.1:1", "*.0.0.1:1"] }))).toMatchObject({
      code: "source-unreadable",
    });
    expect(server.asked).toHaveLength(0);
    expect((await freeze(source, { development: false, hosts: [`127.0.0.1:${port}`] })).manifest.sources["people"]?.rows).toBe(3);
  });

  test("stop being fetched when the stage is cancelled", async () => {
    const server = await web((_request, response) => void response.write("id,at\n"));
    const controller = new AbortController();
    const work = failureOf(
      freeze(
        { files: `${server.origin}/people.csv` },
        { limits: { ...quick, stallMs: 60_000, answerWithinMs: 60_000 } },
        { signal: controller.signal, progress: () => undefined },
      ),
    );
    setTimeout(() => controller.abort(new Error("enough")), 200);
    expect((await work).message).toBe("enough");
  });
});

describe("objects of S3", () => {
  test("are listed by pattern, read with a signature, and not read again while their ETag stands", async () => {
    for (const month of ["01", "02"])
      s3.put(
        `flights/flights-2013-${month}.parquet`,
        await readFile(join(checkout, `examples/flight-delays/data/flights-2013-${month}.parquet`)),
      );
    s3.put("flights/deeper/flights-2013-03.parquet", "no");
    const source = { files: "s3://lake/flights/flights-*.parquet" };
    const first = await freeze(source);
    expect(first.manifest.sources["people"]).toMatchObject({
      rows: 51_955,
      files: [{ name: "s3://lake/flights/flights-2013-01.parquet" }, { name: "s3://lake/flights/flights-2013-02.parquet" }],
    });
    expect((await freeze(source)).summary).toMatch(/2 unchanged files not read again$/);
    const local = await freeze({ files: "s3://lake/flights/flights-{month}.parquet", window: { months: 1, until: "2013-02" } });
    expect(local.manifest.sources["people"]?.rows).toBe(24_951);
  });

  test("that are wrongly signed, or in a bucket that is not allowed, are not read", async () => {
    s3.put("people.csv", csv);
    process.env["AWS_SECRET_ACCESS_KEY"] = "another";
    const refused = await failureOf(freeze({ files: "s3://lake/people.csv" }));
    process.env["AWS_SECRET_ACCESS_KEY"] = s3Credentials.secretAccessKey;
    expect(refused).toMatchObject({ code: "source-unreadable", message: expect.stringContaining("403 SignatureDoesNotMatch") });
    expect(await failureOf(freeze({ files: "s3://swamp/people.csv" }))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("s3://swamp"),
    });
    expect(await failureOf(freeze({ files: "s3://lake/nobody.csv" }))).toMatchObject({ code: "source-missing" });
    expect(await failureOf(freeze({ files: "s3://lake/nob*.csv" }))).toMatchObject({ code: "source-missing" });
  });

  test("are read though the store errs twice and breaks off in the middle", async () => {
    s3.put("unsteady.csv", csv);
    const server = await store((_request, response, number) => {
      if (number === 1) response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
      return number === 1 ? true : number === 2 ? "cut" : false;
    });
    const { manifest } = await freeze({ files: "s3://lake/unsteady.csv" });
    const digest = manifest.sources["people"]?.files[0]?.digest ?? "sha256:";
    expect(await bench.store.getText(digest)).toBe(csv);
    expect(server.asked[2]?.headers.range).toBe(`bytes=${Math.floor(csv.length / 2)}-`);
  });

  test("of a store that errs for ever or never answers give up after a few tries", async () => {
    s3.put("stuck.csv", csv);
    const failing = await store((_request, response) => {
      response.writeHead(500).end();
      return true;
    });
    expect(await failureOf(freeze({ files: "s3://lake/stuck.csv" }))).toMatchObject({ code: "transient" });
    expect(failing.asked).toHaveLength(3);
    const silent = await store(() => true);
    expect(await failureOf(freeze({ files: "s3://lake/stuck.csv" }))).toMatchObject({ code: "transient" });
    expect(silent.asked).toHaveLength(3);
  });
});
