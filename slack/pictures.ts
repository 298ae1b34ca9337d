import type { webApi } from "@slack/bolt";
import type { Digest } from "../domain/ids.ts";
import type { Notice } from "../domain/notices.ts";
import type { Picture } from "./blocks/gate-message.ts";

/** A message waits for its picture no longer than this; the rest of its time is for its own call. */
const pictureWithinMs = 8_000;
const uploadTimeoutMs = 5_000;
const mostKept = 2_000;

export interface Pictures {
  /** The picture of a gate that is open, uploaded once a workspace; null where there is none, or it could not be had now. */
  of(client: webApi.WebClient, about: { team: string; notice: Notice }): Promise<Picture | null>;
}

/**
 * Pictures in Slack's own keeping: an address of ours would have to be open to the world. A message
 * without a picture is better than none, so nothing here throws; a later change of the message tries again.
 */
export function createPictures(read?: (digest: Digest) => Promise<Uint8Array>): Pictures {
  const uploaded = new Map<string, Picture>();

  async function upload(client: webApi.WebClient, { png, alt }: { png: Digest; alt: string }): Promise<Picture | null> {
    if (!read) return null;
    const bytes = await read(png);
    const place = await client.files.getUploadURLExternal({
      filename: `${png.slice("sha256:".length, 23)}.png`,
      length: bytes.byteLength,
      alt_text: alt.slice(0, 1_000),
    });
    if (!place.upload_url || !place.file_id) return null;
    const sent = await fetch(place.upload_url, {
      method: "POST",
      body: new Uint8Array(bytes),
      signal: AbortSignal.timeout(uploadTimeoutMs),
    });
    await sent.body?.cancel();
    if (!sent.ok) return null;
    await client.files.completeUploadExternal({ files: [{ id: place.file_id, title: alt.slice(0, 200) }] });
    return { fileId: place.file_id, alt };
  }

  return {
    async of(client, { team, notice }) {
      if (notice.kind !== "gate" || notice.state === "closed" || notice.chart === null) return null;
      const key = `${team} ${notice.chart.png}`;
      const kept = uploaded.get(key);
      if (kept) return kept;
      const picture = await within(pictureWithinMs, upload(client, notice.chart));
      if (picture === null) return null;
      if (uploaded.size >= mostKept) uploaded.clear();
      uploaded.set(key, picture);
      return picture;
    },
  };
}

/** What came in time; null for what failed or took longer. */
async function within(ms: number, work: Promise<Picture | null>): Promise<Picture | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  return Promise.race([work.catch(() => null), late]).finally(() => clearTimeout(timer));
}
