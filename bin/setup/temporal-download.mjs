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
 * Way 3: the official download, the same that Temporal's own SDKs ask: it answers with the address
 * of an archive and the file in it. `COUNTERSIGN_TEMPORAL_DOWNLOAD` names a mirror of it.
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

  const archive = join(folder, `temporal.${format}`);
  const bytes = await get(archiveUrl, downloadWithinMs);
  await writeFile(archive, Buffer.from(await bytes.arrayBuffer()));
  // bsdtar, the `tar` of macOS and Windows, reads zip archives too.
  const unpacked = await run("tar", ["-xf", archive, "-C", folder], { env });
  if (unpacked.code !== 0) throw new Error(`the archive cannot be unpacked: ${tail(unpacked.output, 3)}`);
  return join(folder, fileToExtract);
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
