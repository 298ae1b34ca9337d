import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from "@temporalio/common";
import { upsertSearchAttributes } from "@temporalio/workflow";

/** Ids only: search attributes are never encrypted. */
const keys = {
  model: defineSearchAttributeKey("CountersignModel", SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey("CountersignStage", SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey("CountersignState", SearchAttributeType.KEYWORD),
  gate: defineSearchAttributeKey("CountersignGate", SearchAttributeType.KEYWORD),
  tier: defineSearchAttributeKey("CountersignTier", SearchAttributeType.KEYWORD),
} as const;

export type Found = Partial<Record<keyof typeof keys, string>>;

export function pairs(found: Found): SearchAttributePair[] {
  return (Object.keys(keys) as (keyof typeof keys)[]).flatMap((name) => {
    const value = found[name];
    return value === undefined ? [] : [{ key: keys[name], value }];
  });
}

/** Makes the run findable; does nothing where the attributes are not registered (an unknown one fails workflow tasks for ever). */
export function makeFindable(searchable: boolean, found: Found): void {
  if (searchable) upsertSearchAttributes(pairs(found));
}
