import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSql } from "../../cli/compiled-sql.ts";
import { loadDefinitionFile } from "../../cli/definition-file.ts";
import { checkDefinitionSql } from "../../ml/definition-sql.ts";
import { countersign } from "./command.ts";

const example = "examples/flight-delays";
const inPlace = "  sql: |\n";
let folder = "";
const sound = { model: "", contract: "", features: "" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-sql-"));
  sound.model = await readFile(join(example, "model.yaml"), "utf8");
  sound.contract = await readFile(join(example, "contract.yaml"), "utf8");
  sound.features = await readFile(join(example, "features.sql"), "utf8");
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

type Texts = Partial<typeof sound>;
const names = { model: "model.yaml", contract: "contract.yaml", features: "features.sql" };

/** The example with some of its texts changed. */
async function write(changed: Texts): Promise<string> {
  const texts = { ...sound, ...changed };
  for (const part of ["model", "contract", "features"] as const) await writeFile(join(folder, names[part]), texts[part]);
  return join(folder, names.model);
}

async function faultsWith(changed: Texts) {
  const { definition, faults, placed } = await loadDefinitionFile(await write(changed));
  if (definition === null) throw new Error(`The check finds what the compiler should: ${JSON.stringify(faults)}`);
  return (await checkDefinitionSql(definition)).map((fault) => placed(fault));
}

function placeOf(text: string, marked: string): { line: number; column: number } {
  expect(text).toContain(marked);
  const before = text.slice(0, text.indexOf(marked)).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

function withBlock(sql: string, header = inPlace): string {
  const block = sql
    .trimEnd()
    .split("\n")
    .map((line) => `      ${line}\n`)
    .join("");
  return sound.model.replace("  sql:\n    file: features.sql\n", () => `${header}${block}`);
}

const own = "SELECT row_id, distance FROM request";

describe("the SQL of a definition is compiled by the check", () => {
  it("in its own file: syntax, functions and tables, each at its place", async () => {
    const torn = sound.features.replace("p.seats,\n", "p.seats,,\n");
    expect(await faultsWith({ features: torn })).toEqual([
      {
        path: "features.sql",
        message: 'syntax error at or near ",".',
        file: join(folder, "features.sql"),
        line: placeOf(torn, "p.seats,,").line,
        column: placeOf(torn, "p.seats,,").column + "p.seats,".length,
      },
    ]);
    const strange = sound.features.replace("hour(f.local_time)", "hous(f.local_time)").replace("JOIN planes", "JOIN plane");
    expect(await faultsWith({ features: strange })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: expect.stringContaining("hous()"), ...placeOf(strange, "hous(") }),
        expect.objectContaining({ message: expect.stringContaining("no table plane here"), ...placeOf(strange, "plane AS p") }),
      ]),
    );
  });

  it.each([
    ["letters of several bytes before it", "SELECT row_id,\n  '😀é' || origin origin origin FROM request", "origin FROM"],
    ["letters of several bytes before a function", "SELECT row_id,\n  '😀é' || lowr(origin) AS o FROM request", "lowr("],
    ["a blank line before it", "SELECT row_id,\n\n    distance + distence AS far\nFROM request", "distence"],
    ["a long line", `SELECT row_id, ${"distance + ".repeat(30)}distence AS far FROM request`, "distence"],
  ])("in a block of the definition, with %s", async (_what, sql, marked) => {
    const model = withBlock(sql);
    const [fault, ...others] = await faultsWith({ model });
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ path: "features.sql", file: join(folder, "model.yaml"), ...placeOf(model, marked) });
  });

  it("in a folded text, whose lines are not those of the file, at its beginning; on one line at the very letter", async () => {
    const folded = withBlock("SELECT row_id, distence\nFROM request", "  sql: >\n");
    expect(await faultsWith({ model: folded })).toEqual([
      expect.objectContaining({ path: "features.sql", ...placeOf(folded, ">\n") }),
    ]);
    const quoted = withBlock(own).replace("sql: arr_delay > 15", 'sql: "arr_delay > > 15"');
    expect(await faultsWith({ model: quoted })).toEqual([
      expect.objectContaining({
        path: "label.sql",
        line: placeOf(quoted, "> > 15").line,
        column: placeOf(quoted, "> > 15").column + 2,
      }),
    ]);
  });

  it("in slices and in the contract, past the names that are put into it", async () => {
    const model = sound.model.replace("  thresholds:", '  slices: [{ name: far, where: "distence > 1000" }]\n  thresholds:');
    const contract = sound.contract.replace("FROM {object} WHERE {property} > 100", "FROM {object} WHERE {property} > > 100");
    expect(await faultsWith({ model, contract })).toEqual([
      expect.objectContaining({ path: "evaluate.slices[0].where", ...placeOf(model, "distence") }),
      expect.objectContaining({
        path: expect.stringMatching(/^schema\[1\]\.properties\[\d+\]\.quality\[0\]\.query$/),
        file: join(folder, "contract.yaml"),
        line: placeOf(contract, "> > 100").line,
        column: placeOf(contract, "> > 100").column + 2,
      }),
    ]);
  });

  it("for the command, which names the place and ends with the code of bad input", async () => {
    const file = await write({ features: "SELECT row_id, distence FROM request" });
    const { code, err } = await countersign(["check", file, join(example, "model.yaml")]);
    expect(err).toContain(`${join(folder, "features.sql")}:1:16  features.sql `);
    expect(err).toContain("1 fault.");
    expect(code).toBe(2);
  });

  it("and where nothing can compile, that is said and the rest of the check stands", async () => {
    const { definition } = await loadDefinitionFile(join(example, "model.yaml"));
    const signal = new AbortController().signal;
    expect(await compileSql(definition === null ? [] : [definition], { signal, program: join(folder, "gone.ts") })).toEqual({
      reason: expect.stringContaining("Cannot find module"),
    });
  });
});
