import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { definitionSchema, type ResolvedDefinition } from "../../domain/definition-schema.ts";

/** The checkout: the data root of the examples. */
export const checkout = join(import.meta.dirname, "../..");

/** An example's definition with its files put in place, as `countersign apply` sends it. */
export async function readExample(name: string): Promise<ResolvedDefinition> {
  const directory = join(checkout, "examples", name);
  const text = async (file: string) => readFile(join(directory, file), "utf8");
  const definition = definitionSchema.parse(parse(await text("model.yaml")));
  return {
    ...definition,
    contract: parse(await text("contract.yaml")),
    features: { ...definition.features, sql: await text("features.sql") },
  };
}
