import { defineConfig } from "oxlint";

/**
 * The rooms (top-level folders), what each may import of the others, and which packages it may use.
 * ARCHITECTURE.md shows the same table; test/code/import-rules.test.ts plants every violation and
 * compares the two.
 */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  domain: { rooms: [], packages: ["zod", "yaml", "canonicalize"] },
  files: { rooms: ["domain"], packages: ["node:*"] },
  ml: { rooms: ["domain", "files"], packages: ["node:*", "@duckdb/node-api", "onnxruntime-node", "onnx-proto", "protobufjs"] },
  charts: { rooms: ["domain"], packages: ["node:*", "vega", "vega-lite", "@resvg/resvg-js"] },
  artifacts: { rooms: ["domain"], packages: ["node:*"] },
  db: { rooms: ["domain"], packages: ["node:*", "kysely", "pg"] },
  approvals: { rooms: ["domain", "db"], packages: ["node:*", "kysely"] },
  activities: {
    rooms: ["domain", "files", "ml", "charts", "db", "artifacts", "approvals"],
    packages: [
      "node:*",
      "@temporalio/activity",
      "@temporalio/client",
      "@temporalio/common",
      "pg",
      "kysely",
      "@aws-sdk/client-s3",
      "nodemailer",
      "standardwebhooks",
    ],
  },
  workflows: { rooms: ["domain", "activities"], packages: ["@temporalio/workflow", "@temporalio/common"] },
  control: {
    rooms: ["domain", "db", "artifacts", "workflows"],
    packages: ["node:*", "@temporalio/client", "@temporalio/common", "kysely", "pino", "zod"],
  },
  api: { rooms: ["domain", "control"], packages: ["node:*", "hono", "@hono/*", "zod", "pino"] },
  console: { rooms: ["domain", "control"], packages: ["node:*", "hono", "@hono/*", "zod"] },
  slack: { rooms: ["domain", "control"], packages: ["node:*", "@slack/bolt", "@slack/socket-mode", "hono"] },
  serving: { rooms: ["domain", "ml", "db", "artifacts", "approvals"], packages: ["node:*", "hono", "@hono/*", "zod", "pino"] },
  "slack-sandbox": { rooms: [], packages: ["node:*", "hono", "@hono/*", "zod", "ws"] },
  cli: { rooms: ["domain", "files"], packages: ["node:*", "commander", "zod", "yaml", "log-update"] },
};
/** May import everything, and no room above may import them. `bin` keeps from test and bench too. */
const tops = ["bin", "test", "bench", "examples", "docs", "deploy"];

/** What one rule of `no-restricted-imports` says, in oxlint's terms. */
interface Pattern {
  regex?: string;
  group?: string[];
  allowTypeImports?: boolean;
  message: string;
}

/** A `!` in a group takes back what any group refused, whichever comes first: hence one group a room, after the regular expressions. */
function restricted(patterns: Pattern[]) {
  return { "no-restricted-imports": ["error" as const, { patterns }] as ["error", { patterns: Pattern[] }] };
}

function otherRooms(room: string, allowed: string[]): Pattern {
  const refused = [...Object.keys(rooms), ...tops].filter((other) => other !== room && !allowed.includes(other));
  return {
    regex: `^(\\.\\./)+(${refused.join("|")})(/|$)`,
    message: `${room}/ may import ${allowed.map((other) => `${other}/`).join(", ") || "no other room"} (ARCHITECTURE.md).`,
  };
}

/** The packages that a room may use, and the files of other rooms that it may not (`narrower`). */
function otherPackages(room: string, allowed: string[]): Pattern {
  const files = narrower[room] ?? [];
  return {
    group: ["*", ...allowed.flatMap((name) => [`!${name}`, `!${name}/**`]), "!./**", "!../**", ...files],
    message: `${room}/ may use ${allowed.join(", ")} and no other package, and of other rooms what ARCHITECTURE.md names.`,
  };
}

/** Only these files of those rooms may be imported. */
const narrower: Record<string, string[]> = {
  workflows: ["../activities/**", "!../activities/contract.ts", "!../activities/train-contract.ts"],
  control: ["**/workflows/*", "!**/workflows/messages.ts"],
};

/** What a workflow takes the types of, and never the code. */
const typesAlone: Record<string, Pattern[]> = {
  workflows: [
    {
      regex: "^\\.\\./activities/(train-)?contract\\.ts$",
      allowTypeImports: true,
      message: "A workflow takes the types of the contract, never code of activities/.",
    },
    {
      regex: "^(\\.\\./)+domain/(http/|digest|canonical-json|definition-|contract-|schema-faults|feature-rules)",
      allowTypeImports: true,
      message: "This file needs zod, yaml or node:crypto, which do not belong in the workflow bundle: take its types.",
    },
  ],
};

const importRules = Object.entries(rooms).map(([room, may]) => ({
  files: [`${room}/**`],
  rules: restricted([otherRooms(room, may.rooms), ...(typesAlone[room] ?? []), otherPackages(room, may.packages)]),
}));

const noUnsafe = {
  "typescript/no-unsafe-argument": "off",
  "typescript/no-unsafe-assignment": "off",
  "typescript/no-unsafe-call": "off",
  "typescript/no-unsafe-member-access": "off",
  "typescript/no-unsafe-return": "off",
} as const;

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  options: { typeAware: true, reportUnusedDisableDirectives: "error" },
  categories: { correctness: "error" },
  ignorePatterns: ["node_modules", ".countersign", "examples"],
  rules: {
    // Types that mean something.
    "typescript/no-explicit-any": "error",
    "typescript/no-unsafe-argument": "error",
    "typescript/no-unsafe-assignment": "error",
    "typescript/no-unsafe-call": "error",
    "typescript/no-unsafe-member-access": "error",
    "typescript/no-unsafe-return": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-unnecessary-type-assertion": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/ban-ts-comment": "error",
    "typescript/no-deprecated": "error",
    // A new member of a union must be looked at wherever no default takes it.
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    // Promises that nobody waits for lose errors and order.
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/await-thenable": "error",
    "typescript/return-await": ["error", "in-try-catch"],
    "typescript/only-throw-error": "error",
    "typescript/prefer-promise-reject-errors": "error",
    // Form.
    "import/no-cycle": "error",
    "import/no-self-import": "error",
    "import/no-mutable-exports": "error",
    "import/no-default-export": "error",
    "unicorn/prefer-node-protocol": "error",
    "unicorn/filename-case": ["error", { case: "kebabCase" }],
    "max-lines": ["error", { max: 300 }],
    "max-lines-per-function": ["error", { max: 70, skipComments: true, skipBlankLines: true }],
    "max-params": ["error", { max: 3 }],
    eqeqeq: ["error", "always", { null: "ignore" }],
    "no-console": "error",
    "no-var": "error",
    "prefer-const": "error",
    "no-param-reassign": "error",
    "no-warning-comments": "error",
    "no-eval": "error",
    "no-new-func": "error",
    // `{ a, b }: Deps` of closures is how this code passes functions; none of them uses `this`.
    "typescript/unbound-method": "off",
    // The sources of an id are named in its type for the reader: `PrincipalId | "countersign"`.
    "typescript/no-redundant-type-constituents": "off",
  },
  overrides: [
    { files: ["*.config.ts"], rules: { "import/no-default-export": "off" } },
    ...importRules,
    {
      files: ["bin/**"],
      rules: restricted([{ regex: "^(\\.\\./)+(test|bench|deploy)(/|$)", message: "bin/ starts the product alone." }]),
    },
    {
      files: ["domain/digest.ts"],
      rules: restricted([otherRooms("domain", []), otherPackages("domain/digest.ts", ["node:crypto"])]),
    },
    { files: ["**/*.mjs", "slack-sandbox/page/assets/*.js"], rules: noUnsafe },
    // What talks to a person or a pipe, not to a log.
    { files: ["bin/**", "cli/**", "bench/**", "test/**", "ml/**/*-main.ts"], rules: { "no-console": "off" } },
    {
      // Loops over typed arrays: a check of each element's presence would cost more than the sum, and DuckDB's
      // values are typed as all that SQL can hold.
      files: ["ml/**"],
      rules: { "typescript/no-non-null-assertion": "off", "typescript/no-base-to-string": "off" },
    },
    {
      // Tests look at answers as a stranger gets them, and fail where they are not as expected.
      files: ["test/**", "bench/**"],
      rules: {
        ...noUnsafe,
        "max-lines-per-function": "off",
        "max-params": "off",
        "typescript/no-non-null-assertion": "off",
        "typescript/no-base-to-string": "off",
      },
    },
    {
      files: ["test/**"],
      rules: {
        "vitest/no-focused-tests": "error",
        "vitest/no-disabled-tests": "error",
        "vitest/expect-expect": [
          "error",
          { assertFunctionNames: ["expect", "expect*", "assert*", "until*", "fc.assert", "Worker.runReplayHistory"] },
        ],
        "vitest/valid-expect": ["error", { maxArgs: 2 }],
        // Expectations with a name of their own are functions beside the tests.
        "vitest/no-standalone-expect": "off",
        "vitest/no-conditional-expect": "off",
        "no-loss-of-precision": "off",
        "vitest/require-to-throw-message": "off",
      },
    },
    { files: ["test/setup/global.ts"], rules: { "import/no-default-export": "off" } },
  ],
});
