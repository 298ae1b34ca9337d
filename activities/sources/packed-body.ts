import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Refusal } from "./download.ts";

/** Tables pack well, to a twentieth and a fiftieth; what unpacks to more than this many times its size is made to fill disks. */
const mostTimes = 200;
/** Small bodies of one repeated line may: they fill nothing. */
const freeBytes = 64 * 2 ** 20;

/**
 * The bytes that a server packed although it was asked not to. Throws a Refusal for a packing that is not known, and for
 * one that unpacks out of proportion.
 */
export async function* unpacked(
  body: Readable,
  { name, packing }: { name: string; packing: string },
): AsyncGenerator<Uint8Array> {
  const unpack = { gzip: createGunzip, "x-gzip": createGunzip, deflate: createInflate, br: createBrotliDecompress }[packing];
  if (unpack === undefined) {
    body.destroy();
    throw new Refusal("unreadable", `${name} comes packed by ${packing.slice(0, 40)}, which is not read here.`);
  }
  let came = 0;
  let given = 0;
  body.on("data", (chunk: Buffer) => (came += chunk.length));
  const plain = pipeline(body, unpack(), () => undefined);
  for await (const chunk of plain) {
    // A stream of zlib in its usual mode gives Buffers.
    const bytes = chunk as Buffer;
    given += bytes.length;
    if (given > freeBytes && given > came * mostTimes) {
      body.destroy();
      throw new Refusal(
        "unreadable",
        `${name} unpacks to more than ${mostTimes} times its size: it is refused as made to fill the disk.`,
      );
    }
    yield bytes;
  }
}
