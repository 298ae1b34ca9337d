import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { readOrMake, writePrivate, type Home } from "./home.ts";

export interface KeyFiles {
  signing: string;
  verify: string;
  /** Not a file: 32 bytes in base64, for what is kept sealed. */
  secrets: string;
  /** Likewise, with which the stages' workers seal what they find. */
  stages: string;
}

/** The instance's Ed25519 pair, made once. Only control signs; the public half is written anew from the private one. */
export async function ensureKeys(home: Home): Promise<KeyFiles> {
  const files = {
    signing: join(home.keys, "signing.pem"),
    verify: join(home.keys, "signing.pub.pem"),
  };
  const signing = await readOrMake(files.signing, () =>
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  await writePrivate(files.verify, createPublicKey(signing).export({ type: "spki", format: "pem" }).toString());
  const secret = (name: string) => readOrMake(join(home.keys, name), () => randomBytes(32).toString("base64"));
  return { ...files, secrets: await secret("secrets.key"), stages: await secret("stages.key") };
}
