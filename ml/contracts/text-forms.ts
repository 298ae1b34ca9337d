import type { LogicalType } from "../../domain/contract-options.ts";
import { largestWhole } from "../../domain/value-spellings.ts";
import { readText } from "../datasets/text-cells.ts";

/** A way in which all cells of a column may be written. */
export interface TextForm {
  logicalType: LogicalType;
  timezone?: boolean;
  /** SQL over the columns of `readings`: true where the value, written in this form, is the cell again. */
  holds: string;
}

const read = ["integer", "number", "date", "timestamp"] as const;

/** SQL of the values that a cell may stand for, each read once, with names that end in `at`. */
export function readings(cell: string, at: number): string {
  return [`${cell} AS cell${at}`, ...read.map((type) => `${readText(cell, type)} AS ${type}${at}`)].join(", ");
}

/** Decimals of a price or a measurement; a version such as 1.10 is text unless every cell has as many. */
const mostDecimals = 6;
/** With more digits, not every text is a float of its own. */
const ownDigits = 15;
/** Of minutes, seconds, milliseconds and microseconds, behind a date of ten characters and a `T`. */
const clockLengths = [5, 8, 12, 15];

/** The forms of a column in the order in which they are preferred; the first that holds for every cell is its type. */
export function textForms(at: number): TextForm[] {
  const [cell, integer, number, date] = ["cell", ...read].map((name) => `${name}${at}`) as [string, string, string, string];
  const printed = `CAST(${number} AS VARCHAR)`;
  return [
    // JSON keeps no larger whole numbers apart; they are names of something.
    { logicalType: "integer", holds: `CAST(${integer} AS VARCHAR) = ${cell} AND abs(${integer}) <= ${largestWhole}` },
    { logicalType: "number", holds: `${printed} = ${cell}` },
    { logicalType: "number", holds: `regexp_replace(${printed}, '\\.0$', '') = ${cell}` },
    ...Array.from({ length: mostDecimals }, (_, decimals) => fixedDecimals(cell, decimals + 1)),
    ...["true false", "True False", "TRUE FALSE"].map((words): TextForm => {
      const [yes = "", no = ""] = words.split(" ");
      return { logicalType: "boolean", holds: `${cell} IN ('${yes}', '${no}')` };
    }),
    { logicalType: "date", holds: `CAST(${date} AS VARCHAR) = ${cell}` },
    ...momentForms(cell, `timestamp${at}`),
  ];
}

function fixedDecimals(cell: string, decimals: number): TextForm {
  const digits = ownDigits - decimals;
  return { logicalType: "number", holds: `regexp_full_match(${cell}, '-?(0|[1-9][0-9]{0,${digits - 1}})\\.[0-9]{${decimals}}')` };
}

/** In UTC, with or without saying so; of another offset only the moment would be left. A moment has one text of each length. */
function momentForms(cell: string, moment: string): TextForm[] {
  return ["T", " "].flatMap((joint) =>
    clockLengths.flatMap((length) =>
      ["", "Z", "+00:00"].map((zone): TextForm => {
        const clock = `[0-9:.]{${length}}${zone.replace("+", "\\+")}`;
        return {
          logicalType: "timestamp",
          ...(zone === "" ? {} : { timezone: true }),
          holds: `${moment} IS NOT NULL AND substr(${cell}, 11, 1) = '${joint}' AND regexp_full_match(substr(${cell}, 12), '${clock}')`,
        };
      }),
    ),
  );
}
