import { readFileSync } from "node:fs";

export interface Row {
  name: string;
  /** Of the queue or kind that the table is about. */
  table: string;
  gains: string;
  stops: string;
}

/** The rows of docs/security.md, each with the first heading of its table: activity, workflow, update or signal. */
export function securityRows(): Row[] {
  const text = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
  const rows: Row[] = [];
  let table = "";
  for (const line of text.split("\n")) {
    const [, first = "", gains = "", stops = ""] = line.startsWith("|") ? line.split("|").map((cell) => cell.trim()) : [];
    const name = /^`(.+)`$/.exec(first)?.[1];
    if (name !== undefined) rows.push({ name, table, gains, stops });
    else if (/^[a-z]/.test(first)) table = first;
  }
  return rows;
}
