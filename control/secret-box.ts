import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { CountersignError } from "../domain/errors.ts";

/** Seals what must not lie in the database as it is: workspace tokens and the secrets of webhooks. */
export interface SecretBox {
  seal(secret: string): string;
  /** Throws `internal` for what another key sealed, or what was changed. */
  open(sealed: string): string;
}

/** 96 bits, as NIST SP 800-38D recommends for GCM. */
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM under the key of the environment (32 bytes, base64): `v1.<nonce + tag + text, base64url>`.
 * Without a key nothing can be sealed, and the message says what to set.
 */
export function createSecretBox(keyBase64: string | null): SecretBox {
  const key = keyBase64 === null ? null : Buffer.from(keyBase64, "base64");
  if (key && key.length !== 32)
    throw new CountersignError("invalid", "COUNTERSIGN_SECRETS_KEY must be 32 bytes in base64: openssl rand -base64 32.");
  return {
    seal(secret) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", needed(key), nonce);
      const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url")}`;
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.replace(/^v1\./, ""), "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", needed(key), bytes.subarray(0, nonceBytes));
        decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        const text = decipher.update(bytes.subarray(nonceBytes + tagBytes));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (error) {
        if (error instanceof CountersignError) throw error;
        throw new CountersignError(
          "internal",
          "A kept secret cannot be opened: COUNTERSIGN_SECRETS_KEY is not the key that sealed it.",
          {
            cause: error,
          },
        );
      }
    },
  };
}

function needed(key: Buffer | null): Buffer {
  if (key) return key;
  throw new CountersignError(
    "invalid",
    "Secrets are kept sealed only: set COUNTERSIGN_SECRETS_KEY (openssl rand -base64 32) for server and workers.",
  );
}
