import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tail } from "./process.mjs";

/** A closed network shows within this; the answer to the first request is a few hundred bytes. */
const answerWithinMs = 5_000;
/** The archive is 45 MB: ten minutes allow for 75 kB a second. */
const downloadWithinMs = 600_000;

const platforms = { linux: "linux", darwin: "darwin", win32: "windows" };
const architectures = { x64: "amd64", arm64: "arm64" };

/**
 * SHA-256 of the archives of CLI 1.9.1 that were checked, by `platform-arch`. Of the other platforms the list that the
 * publisher made with the release tells, and that list is pinned itself: whoever serves it cannot change it.
 */
const archiveDigests = {
  "linux-x64": "09a0326a51db84d02735e53542b9ebd8c4758daf47482a9ab0abce15844e60d5",
  "linux-arm64": "6c57c352d52fc3df34412376fd9ba6f74b7e3ace8e426e6cba8600156d36a145",
  "win32-x64": "babb65844835045c91fb98930fe10b81de28db80c8c609180473d2c0b18c7589",
};
const listDigest = "cc22cb0df0a9bab358500dce212616e8622b0649df68317d9858867d7dc69bd2";

/** The archive is 45 MB; more is not read into memory to find out what it is. */
const mostBytes = 200 * 2 ** 20;

/**
 * Way 3: the official download, the same that Temporal's own SDKs ask: it answers with the address
 * of an archive and the file in it. `COUNTERSIGN_TEMPORAL_DOWNLOAD` names a mirror of it. Nothing is unpacked whose
 * digest is not the one that was checked; `COUNTERSIGN_TEMPORAL_SHA256` names another, of a mirror's own archive.
 * @returns the binary's path in `folder`
 */
export async function downloadOfficialCli(folder, { version, env = process.env }) {
  const platform = platforms[process.platform];
  const arch = architectures[process.arch];
  if (platform === undefined || arch === undefined) throw new Error(`no build for ${process.platform}-${process.arch}`);
  const host = env.COUNTERSIGN_TEMPORAL_DOWNLOAD || "https://temporal.download";
  const format = platform === "windows" ? "zip" : "tar.gz";
  const query = new URLSearchParams({
    platform,
    arch,
    format,
    "sdk-name": "countersign",
    "sdk-version": "0.1.0",
  });
  const answer = await get(`${host}/cli/v${version}?${query}`, answerWithinMs);
  const { archiveUrl, fileToExtract } = await answer.json();
  if (typeof archiveUrl !== "string" || typeof fileToExtract !== "string") throw new Error(`${host} gave no archive`);

  const name = `temporal_cli_${version}_${platform}_${arch}.${format}`;
  const expected =
    env.COUNTERSIGN_TEMPORAL_SHA256 ||
    archiveDigests[`${process.platform}-${process.arch}`] ||
    (await listedDigest(archiveUrl, name));
  const archive = join(folder, `temporal.${format}`);
  const bytes = await bytesOf(archiveUrl, downloadWithinMs);
  const actual = sha256(bytes);
  if (actual !== expected.toLowerCase()) throw new Error(`the archive has SHA-256 ${actual}, not ${expected}: refused`);
  await writeFile(archive, bytes);
  // bsdtar, the `tar` of macOS and Windows, reads zip archives too.
  const unpacked = await run("tar", ["-xf", archive, "-C", folder], { env });
  if (unpacked.code !== 0) throw new Error(`the archive cannot be unpacked: ${tail(unpacked.output, 3)}`);
  // The name comes from the answer, and only the archive was checked.
  if (!/^[\w.-]+$/.test(fileToExtract)) throw new Error(`${host} names a strange file in the archive: refused`);
  return join(folder, fileToExtract);
}

/** What the publisher's list, which lies beside the archives, says of one of them. */
async function listedDigest(archiveUrl, name) {
  const list = await bytesOf(new URL("checksums.txt", archiveUrl).href, answerWithinMs * 6);
  if (sha256(list) !== listDigest) throw new Error("the publisher's list of checksums is not the one that was checked: refused");
  const line = list
    .toString("utf8")
    .split("\n")
    .map((one) => one.trim().split(/\s+\*?/))
    .find(([, file]) => file === name);
  if (line === undefined) throw new Error(`the publisher's list of checksums does not name ${name}: refused`);
  return line[0];
}

async function bytesOf(url, timeoutMs) {
  const answer = await get(url, timeoutMs);
  const parts = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.length;
    if (size > mostBytes) throw new Error(`${new URL(url).host} sends more than ${mostBytes >> 20} MB: refused`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

async function get(url, timeoutMs) {
  let answer;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new Error(`${new URL(url).host} cannot be reached (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause: error,
    });
  }
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${answer.status}`);
  return answer;
}
