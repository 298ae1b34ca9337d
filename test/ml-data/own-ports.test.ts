import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRemoteOffers, type RemoteDeps } from "../../activities/sources/remote-offers.ts";
import { readConfig } from "../../bin/config.ts";
import { ownEndpoints } from "../../bin/own-endpoints.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { rootAt } from "../setup/root-at.ts";
import { startWebServer, type WebServer } from "./web-server.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

/** Stands for a port of the product: nothing that a source can say has it asked. */
let product: WebServer;
let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
  product = await startWebServer((_request, response) => void response.end("token\nCANARY\n"));
});
afterAll(async () => {
  await product.close();
  await bench.remove();
});

const portOf = (origin: string) => Number(new URL(origin).port);

function freeze(files: string, deps: Partial<RemoteDeps> = {}) {
  const own = [{ host: "127.0.0.1", port: portOf(product.origin) }];
  const limits = { answerWithinMs: 2_000, stallMs: 2_000, pausesMs: [10] };
  const remote = createRemoteOffers({ hosts: [], development: true, own, connections: {}, limits, ...deps });
  const data = { rows: "t", sources: { t: { files, format: "csv" as const } } };
  return freezeDataset({ dataRoot: rootAt(bench.dataRoot), store: bench.store, data, parameters: {}, remote }, unwatched);
}

describe("a source at the product's own port", () => {
  test.each([
    ["the loopback's number", "127.0.0.1", []],
    ["its name", "localhost", []],
    ["another number of it", "127.0.0.2", ["127.0.0.2"]],
    ["IPv6", "[::1]", []],
    ["IPv4 within IPv6", "[::ffff:127.0.0.1]", ["[::ffff:7f00:1]"]],
    ["all addresses of the machine", "0.0.0.0", ["0.0.0.0"]],
    ["one decimal number", "2130706433", []],
    ["hexadecimal and short", "0x7f.1", []],
  ])("is refused by %s, also where the host is allowed", async (_way, host, hosts) => {
    const failure = await failureOf(freeze(`http://${host}:${portOf(product.origin)}/api/a.csv`, { hosts }));
    expect(failure.code).toBe("source-unreadable");
    expect(failure.message).toContain("the product's own");
    expect(product.asked).toHaveLength(0);
  });

  test("is refused by redirect, and by a name that is allowed and resolves to it", async () => {
    const other = await startWebServer(
      (_request, response) => void response.writeHead(302, { location: `${product.origin}/api` }).end(),
    );
    expect(await failureOf(freeze(`${other.origin}/a.csv`))).toMatchObject({ code: "source-unreadable" });
    await other.close();
    const named = `http://localhost:${portOf(product.origin)}/a.csv`;
    expect(await failureOf(freeze(named, { development: false, hosts: ["localhost"] }))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("the product's own"),
    });
    expect(product.asked).toHaveLength(0);
  });

  test("is refused as a store of S3", async () => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "b",
      AWS_REGION: "us-east-1",
    });
    for (const host of ["127.0.0.1", "localhost"]) {
      process.env["AWS_ENDPOINT_URL_S3"] = `http://${host}:${portOf(product.origin)}`;
      for (const key of ["a.csv", "*.csv"])
        expect(await failureOf(freeze(`s3://lake/${key}`, { hosts: ["s3://lake"] }))).toMatchObject({
          code: "source-unreadable",
          message: expect.stringContaining("the product's own"),
        });
    }
    delete process.env["AWS_ENDPOINT_URL_S3"];
    expect(product.asked).toHaveLength(0);
  });

  test("of another port of the loopback is read in development as before", async () => {
    const other = await startWebServer((_request, response) => void response.end("a\n1\n"));
    expect((await freeze(`${other.origin}/a.csv`)).manifest.sources["t"]?.rows).toBe(1);
    await other.close();
  });

  test("is known from the settings of the worker", () => {
    const config = readConfig(
      {
        DATABASE_URL: "postgres://u:p@db.internal/x",
        TEMPORAL_ADDRESS: "temporal:7233",
        TEMPORAL_UI_URL: "http://[::1]:8233",
        COUNTERSIGN_API_PORT: "4400",
        COUNTERSIGN_TEMPORAL_HTTP_PORT: "7243",
      },
      [],
    );
    expect(ownEndpoints(config)).toEqual(
      expect.arrayContaining([
        { host: "temporal", port: 7233 },
        { host: "db.internal", port: 5432 },
        { host: "::1", port: 8233 },
        { host: "127.0.0.1", port: 4400 },
        { host: "127.0.0.1", port: 7243 },
      ]),
    );
  });
});

describe("a body that a server packed although it was asked not to", () => {
  const serve = (body: Buffer, encoding: string) =>
    startWebServer((_request, response) => void response.writeHead(200, { "content-encoding": encoding }).end(body));

  test("is unpacked", async () => {
    const server = await serve(gzipSync("a,b\n1,2\n"), "gzip");
    expect((await freeze(`${server.origin}/a.csv`)).manifest.sources["t"]?.rows).toBe(1);
    await server.close();
  });

  test("is refused where it is made to fill the disk, before it has", async () => {
    const server = await serve(gzipSync(Buffer.alloc(96 << 20, "a\n"), { level: 9 }), "gzip");
    const began = performance.now();
    expect(await failureOf(freeze(`${server.origin}/a.csv`))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("unpacks to more than 200 times its size"),
    });
    expect(performance.now() - began).toBeLessThan(20_000);
    await server.close();
  });

  test("is refused in a packing that is not known, and where it is damaged", async () => {
    const strange = await serve(Buffer.from("x"), "lzma");
    expect((await failureOf(freeze(`${strange.origin}/a.csv`))).message).toContain("packed by lzma");
    await strange.close();
    const damaged = await serve(gzipSync("a\n1\n").subarray(0, 12), "gzip");
    expect((await failureOf(freeze(`${damaged.origin}/a.csv`))).code).toBe("transient");
    await damaged.close();
  });
});
