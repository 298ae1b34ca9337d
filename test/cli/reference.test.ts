import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../cli/program.ts";

const silent = { out: () => undefined, err: () => undefined, colour: false };
const program = createProgram({ output: silent, env: {}, cwd: "/", exit: () => undefined, signal: new AbortController().signal });

describe("docs/cli.md", () => {
  it.each(program.commands.map((command) => [command.name(), command] as const))(
    "tells of %s with all its options",
    async (name, command) => {
      const rows = (await readFile("docs/cli.md", "utf8"))
        .split("\n")
        .filter((line) => line.startsWith("|") && line.includes(`\`${name} `.trimEnd()));
      expect(rows, `a row for ${name}`).not.toEqual([]);
      for (const option of command.options) {
        expect(
          rows.some((row) => row.includes(option.long ?? "?")),
          `${name} ${option.long}`,
        ).toBe(true);
      }
    },
  );

  it("tells of the options that every command takes", async () => {
    const text = await readFile("docs/cli.md", "utf8");
    for (const option of program.options) expect(text).toContain(`\`${option.long}`);
  });
});
