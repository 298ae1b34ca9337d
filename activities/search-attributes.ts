import type { Client } from "@temporalio/client";

/** The five attributes by which an operator finds runs; Keyword, ids only. */
export const searchAttributeNames = [
  "CountersignModel",
  "CountersignStage",
  "CountersignState",
  "CountersignGate",
  "CountersignTier",
] as const;

export interface SearchAttributes {
  /** Registers what is missing. Returns what could not be registered and why, for the operator. */
  register(): Promise<{ ok: true } | { ok: false; reason: string; command: string }>;
  /** True when all five are registered; asks the server once a minute at the most. */
  ready(): Promise<boolean>;
}

const askAgainMs = 60_000;
/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const keyword = 2;

/** Workflows use the attributes only when they are registered: an unknown one would fail workflow tasks for ever. */
export function createSearchAttributes(deps: { client: Client; namespace: string }): SearchAttributes {
  const operator = deps.client.connection.operatorService;
  let asked: { at: number; missing: string[] } | null = null;

  async function missing(): Promise<string[]> {
    const { customAttributes } = await operator.listSearchAttributes({ namespace: deps.namespace });
    return searchAttributeNames.filter((name) => !(name in (customAttributes ?? {})));
  }

  return {
    async register() {
      const absent = await missing();
      if (absent.length === 0) return { ok: true };
      try {
        await operator.addSearchAttributes({
          namespace: deps.namespace,
          searchAttributes: Object.fromEntries(absent.map((name) => [name, keyword])),
        });
        asked = null;
        return { ok: true };
      } catch (error) {
        const flags = absent.map((name) => `--name ${name} --type Keyword`).join(" ");
        return {
          ok: false,
          reason: error instanceof Error ? error.message : String(error),
          command: `temporal operator search-attribute create --namespace ${deps.namespace} ${flags}`,
        };
      }
    },
    async ready() {
      if (asked === null || Date.now() - asked.at > askAgainMs) asked = { at: Date.now(), missing: await missing() };
      return asked.missing.length === 0;
    },
  };
}
