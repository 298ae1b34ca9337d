import { text } from "node:stream/consumers";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { checkDefinitionSql } from "../ml/definition-sql.ts";

/**
 * Compiles the SQL of definitions for `countersign check`, which has no means to: a list of them, checked and with their
 * files in place, on the standard input; on the standard output for each the list of its faults.
 */
const found = [];
// The command has checked them with the schema that says so.
for (const definition of JSON.parse(await text(process.stdin)) as ResolvedDefinition[])
  found.push(await checkDefinitionSql(definition));
process.stdout.write(JSON.stringify(found));
