import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { digestOf } from "../../domain/digest.ts";
import type { Digest } from "../../domain/ids.ts";

const run = promisify(execFile);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-artifacts-"));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

describe("the artifact store", () => {
  test("gives back the bytes that were put, under their SHA-256", async () => {
    const store = createArtifactStore({ directory });
    const digest = await store.put(Buffer.from([0, 1, 2, 255]));
    expect(digest).toBe("sha256:3d1f57c984978ef98a18378c8166c1cb8ede02c03eeb6aee7e2f121dfeee3e56");
    expect([...(await store.get(digest))]).toEqual([0, 1, 2, 255]);
    expect(await store.pathOf(digest)).toBe(join(directory, "sha256", "3d", digest.slice(7)));
    expect((await stat(await store.pathOf(digest))).mode & 0o222).toBe(0);
  });

  test("stores equal JSON values once, whatever the order of their keys", async () => {
    const store = createArtifactStore({ directory });
    expect(await store.putJson({ b: 1, a: [null, "ä"] })).toBe(await store.putJson({ a: [null, "ä"], b: 1 }));
    expect(await store.getJson<{ b: number }>(await store.putJson({ b: 1 }))).toEqual({ b: 1 });
  });

  test("copies a large file as a stream and leaves nothing half-written behind", async () => {
    const store = createArtifactStore({ directory });
    const source = join(directory, "large.bin");
    const bytes = Buffer.alloc(5_000_000, "countersign");
    await writeFile(source, bytes);
    expect(await store.putFile(source)).toEqual({ digest: digestOf(bytes), bytes: bytes.length });
    await expect(store.putFile(join(directory, "absent.bin"))).rejects.toThrow("ENOENT");
    expect(await readdir(join(directory, "incoming"))).toEqual([]);
  });

  test("refuses what is no digest, so that no name outside the store can be read", async () => {
    const store = createArtifactStore({ directory });
    // The cast stands for input that came from outside and was never checked.
    const forged = "sha256:../../../../etc/passwd" as Digest;
    await expect(store.get(forged)).rejects.toMatchObject({ code: "invalid" });
    await expect(store.has(forged)).rejects.toMatchObject({ code: "invalid" });
  });

  test("says which digest is absent", async () => {
    const store = createArtifactStore({ directory });
    const absent = digestOf("never stored");
    expect(await store.has(absent)).toBe(false);
    await expect(store.pathOf(absent)).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining(absent),
    });
  });

  test("notices bytes that were changed or cut on disk, and heals them when they are put again", async () => {
    const store = createArtifactStore({ directory });
    const digest = await store.put("the approved bytes");
    const path = await store.pathOf(digest);
    await chmod(path, 0o644);
    await writeFile(path, "the altered! bytes");
    await expect(store.verify(digest)).rejects.toMatchObject({ code: "artifact-corrupt" });
    await expect(store.get(digest)).rejects.toMatchObject({ code: "artifact-corrupt" });
    await truncate(path, 3);
    await expect(store.verify(digest)).rejects.toMatchObject({ code: "artifact-corrupt" });
    await store.put("the approved bytes");
    await store.verify(digest);
    expect(await store.getText(digest)).toBe("the approved bytes");
  });

  test("lets several processes put the same bytes at once", async () => {
    const program = `
      import { createArtifactStore } from ${JSON.stringify(new URL("../../artifacts/artifact-store.ts", import.meta.url).href)};
      const store = createArtifactStore({ directory: process.argv[1] });
      for (let n = 0; n < 40; n += 1) await store.put("artifact " + n);
    `;
    const shared = join(directory, "contended");
    await Promise.all([1, 2, 3].map(() => run(process.execPath, ["--input-type=module", "-e", program, shared])));
    const store = createArtifactStore({ directory: shared });
    for (let n = 0; n < 40; n += 1) await store.verify(digestOf(`artifact ${n}`));
    expect(await readdir(join(shared, "incoming"))).toEqual([]);
  });

  test("says that it is unhealthy when its directory cannot be written", async () => {
    await createArtifactStore({ directory }).checkHealth();
    const blocked = join(directory, "a-file");
    await writeFile(blocked, "no directory");
    await expect(createArtifactStore({ directory: blocked }).checkHealth()).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(await readFile(blocked, "utf8")).toBe("no directory");
  });
});

describe("an outbox", () => {
  const places = (name: string) => ({ directory: join(directory, name), outbox: join(directory, `${name}-outbox`) });

  test("takes what its owner writes, who reads it beside the artifacts, and is taken in by digest when asked for", async () => {
    const { directory: artifacts, outbox } = places("one");
    const reading = createArtifactStore({ directory: artifacts, inbox: outbox });
    const training = createArtifactStore({ directory: artifacts, outbox });
    const given = await reading.put("rows");
    const made = await training.put("model");
    expect(await training.getText(given)).toBe("rows");
    expect(await training.getText(made)).toBe("model");
    expect(await createArtifactStore({ directory: artifacts }).has(made)).toBe(false);
    expect(await reading.getText(made)).toBe("model");
    await rm(outbox, { recursive: true });
    expect(await createArtifactStore({ directory: artifacts }).getText(made)).toBe("model");
    await expect(reading.get(digestOf("nowhere"))).rejects.toThrow("holds no");
  });

  test("of which nothing is taken in but a plain file whose bytes give the digest", async () => {
    const { directory: artifacts, outbox } = places("two");
    const reading = createArtifactStore({ directory: artifacts, inbox: outbox });
    const training = createArtifactStore({ directory: artifacts, outbox });
    const [forged, linked] = await Promise.all([training.put("forged"), training.put("linked")]);
    const secret = join(directory, "secret");
    await writeFile(secret, "linked");
    for (const digest of [forged, linked]) await rm(await training.pathOf(digest));
    await writeFile(join(outbox, "sha256", forged.slice(7, 9), forged.slice(7)), "other bytes");
    await symlink(secret, join(outbox, "sha256", linked.slice(7, 9), linked.slice(7)));
    await expect(reading.get(forged)).rejects.toThrow("has another digest");
    await expect(reading.get(linked)).rejects.toThrow("holds no");
    expect(await createArtifactStore({ directory: artifacts }).has(forged)).toBe(false);
  });
});
