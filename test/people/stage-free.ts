import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createSigner } from "../../control/signing.ts";
import { commandId, type Registry, type Sign } from "../records/registry.ts";
import { testSealer } from "../world/sealer.ts";
import type { World } from "../world/world.ts";

/**
 * A world as the record activities see it, so that a test can write what the stages leave behind
 * without any of them running.
 */
export function registryOf(world: World): Registry {
  const signer = createSigner({ privateKeyPem: world.keys.privateKey });
  const sign: Sign = (principal, body, more = {}) =>
    signer.sign({ id: commandId(), principal, groups: [], surface: "api", at: new Date().toISOString(), body, ...more });
  const { db, adminDb, adminUrl, store, records, databaseUrl } = world;
  const verifier = createCommandVerifier({ publicKeyPem: world.keys.publicKey });
  return {
    db,
    adminDb,
    adminUrl,
    store,
    records,
    databaseUrl,
    sign,
    verifier,
    sealer: testSealer,
    folder: "",
    stop: () => Promise.resolve(),
  };
}
