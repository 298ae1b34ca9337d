import { createPublicKey, verify as verifySignature, type KeyObject } from "node:crypto";
import { commandText, type SignedCommand } from "../domain/signed-command.ts";

/** Ed25519 signatures have 64 bytes: 86 characters of base64url. */
const signaturePattern = /^[A-Za-z0-9_-]{86}$/;
const pemPattern = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

export interface CommandVerifier {
  /** Whether control signed exactly this command. Never throws: what comes over Temporal may be anything. */
  verify(command: SignedCommand): boolean;
}

/**
 * `publicKeyPem`: control's Ed25519 key as SPKI; after a change of keys the earlier ones below it,
 * because an old approval is verified again when its version is rolled back to. Throws when there is none.
 */
export function createCommandVerifier({ publicKeyPem }: { publicKeyPem: string }): CommandVerifier {
  const keys = (publicKeyPem.match(pemPattern) ?? []).map(readKey);
  if (keys.length === 0) throw new Error("The verification key file holds no public key (PEM, SPKI).");
  return {
    verify(command) {
      try {
        if (typeof command.id !== "string" || typeof command.principal !== "string" || !signaturePattern.test(command.signature))
          return false;
        const text = Buffer.from(commandText(command));
        const signature = Buffer.from(command.signature, "base64url");
        return keys.some((key) => verifySignature(null, text, key, signature));
      } catch {
        return false;
      }
    },
  };
}

function readKey(pem: string): KeyObject {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== "ed25519")
    throw new Error(`The verification key is ${key.asymmetricKeyType ?? "unknown"}; an Ed25519 key is needed.`);
  return key;
}
