import { createPrivateKey, randomBytes, sign } from "node:crypto";
import { commandText, type CommandBody, type SignedCommand } from "../domain/signed-command.ts";

export interface Signer {
  /** Adds control's signature. Only what was authenticated and authorized comes here. */
  sign<Body extends CommandBody>(command: Omit<SignedCommand<Body>, "signature">): SignedCommand<Body>;
}

/** `privateKeyPem`: Ed25519 as PKCS#8. Throws when it is none. */
export function createSigner({ privateKeyPem }: { privateKeyPem: string }): Signer {
  const key = createPrivateKey(privateKeyPem);
  if (key.asymmetricKeyType !== "ed25519")
    throw new Error(`The signing key is ${key.asymmetricKeyType ?? "none"}; an Ed25519 key is needed.`);
  return {
    sign(command) {
      const signature = sign(null, Buffer.from(commandText(command)), key).toString("base64url");
      return { ...command, signature };
    },
  };
}

/** `cmd_` and 22 characters: 128 random bits in base64url. */
export function newCommandId(): string {
  return `cmd_${randomBytes(16).toString("base64url")}`;
}
