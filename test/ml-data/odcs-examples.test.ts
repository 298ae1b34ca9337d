import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contractFindings } from "../../domain/contract-rules.ts";
import { pathInWords, readText } from "../../domain/definition-text.ts";

const folder = join(import.meta.dirname, "odcs-examples");
const inside = "describes what lies inside a value, which is not checked here: leave it out, or bring it into columns of its own";
const noTable = "schema must describe a table, named as a source of the definition is named";
const otherEngine = "must be library, sql or text: no other engine runs here. Write the rule as sql, or leave it out";

/** What the standard's own examples are told; an empty list: they pass. */
const said: Record<string, string[]> = {
  "all-data-types": [
    "schema[0].properties[3].logicalTypeOptions.defaultTimezone must be `Etc/UTC` or `UTC`, not `Australia/Sydney`.",
  ],
  "all-schema-types": [`schema[1].properties[0].items ${inside}`, `schema[2].properties[0].items ${inside}`],
  "arrays-of-arrays": [`schema[0].properties[0].items ${inside}`],
  "azure-server": ["schema is missing: the tables, each named as a source of the definition is named"],
  "basic-four-dpo": [noTable],
  "column-accuracy": [],
  "column-completeness": [],
  "column-custom": [0, 1].map((at) => `schema[0].properties[0].quality[${at}].type ${otherEngine}`),
  "column-validity": [],
  "database-table-sla": [noTable],
  "full-example": [],
  "kafka-schema": [],
  "kafka-schemaregistry": [],
  "kafka-server": [],
  "service-and-operational-roles": [noTable],
  "table-column": [],
  "table-column-description": [],
  "table-columns-with-partition": [],
};

test("every example is in the table", async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
  expect(files.map((name) => name.replace(".odcs.yaml", "")).toSorted()).toEqual(Object.keys(said).toSorted());
});

test.each(Object.entries(said))("%s", async (name, sentences) => {
  const read = readText(await readFile(join(folder, `${name}.odcs.yaml`), "utf8"), "yaml");
  expect(read.faults).toEqual([]);
  const found = contractFindings(read.value, {});
  expect(found.map(({ path, message }) => `${pathInWords(path)} ${message}`)).toEqual(sentences);
});
