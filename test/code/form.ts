/** One thing that is wrong with a file, at a line that begins with 1. */
export interface FormFault {
  path: string;
  line: number;
  rule: string;
}

/** The budget of style; generated and recorded files are exempt by their ending. */
export const maxLines = 300;

/**
 * Words of a line that may not be there, and where they may. The patterns are put together from
 * parts, so that this file does not break its own rules.
 */
const lineRules: { rule: string; pattern: RegExp; except?: RegExp }[] = [
  // A path of one machine works nowhere else.
  {
    rule: "machine path",
    pattern: new RegExp(`(^|["'\`\\s=(:])/(${["work", "root", "home/[a-z]", "Users/[A-Za-z]"].join("|")})/`),
    except: /^Dockerfile$/,
  },
  // A clone must install from wherever its owner's npm and pip point.
  {
    rule: "registry host",
    pattern: new RegExp(
      ["registry\\.npmjs", "registry\\.yarnpkg", "files\\.pythonhosted", "pypi\\.org/simple", "proxy\\.golang"].join("|"),
    ),
    except: /^package-lock\.json$/,
  },
  { rule: "left to do", pattern: new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`) },
  { rule: "test left out", pattern: /\b(describe|test|it)(\.\w+)*\.(only|skip|todo)\b/, except: /^test\/code\// },
  {
    rule: "checks switched off",
    pattern: new RegExp(`@ts-(${["ignore", "nocheck"].join("|")})|(oxlint|eslint)-disable(?!-next-line)`),
  },
  { rule: "merge left over", pattern: /^(<{7}|>{7}) / },
  { rule: "private key", pattern: new RegExp(`-----BEGIN [A-Z ]*${"PRIVATE"} KEY-----`) },
];

/** Rules of single files, read as text. `path` is relative to the root, with forward slashes. */
export function formFaults(path: string, text: string): FormFault[] {
  const lines = text.split("\n");
  const faults = lines.flatMap((line, index) =>
    lineRules
      .filter(({ pattern, except }) => pattern.test(line) && except?.test(path) !== true)
      .map(({ rule }) => ({ path, line: index + 1, rule })),
  );
  if (/\.(ts|mts|mjs)$/.test(path)) {
    if (lines.length - 1 > maxLines) faults.push({ path, line: maxLines + 1, rule: `more than ${maxLines} lines` });
    const name = path.split("/").at(-1) ?? "";
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mts|mjs)$/.test(name))
      faults.push({ path, line: 1, rule: "name not in kebab case" });
  }
  if (path.split("/").some((part) => /^(utils?|shared|common|helpers?|misc)(\.ts)?$/.test(part)))
    faults.push({ path, line: 1, rule: "name that says nothing" });
  return faults;
}
