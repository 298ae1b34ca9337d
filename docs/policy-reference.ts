import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { builtInPolicies } from "../domain/built-in-policies.ts";
import { authoredPolicy } from "../domain/policy-form.ts";
import { conditionSchema, gateSchema, policyDocumentSchema, ruleSchema } from "../domain/policy-schema.ts";
import { policyText } from "../domain/policy-text.ts";
import { sampleNames } from "../domain/sample-evidence.ts";

/** The part of JSON Schema that zod gives for policies. */
interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  const?: string | number | boolean;
  pattern?: string;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  anyOf?: Node[];
  additionalProperties?: Node | boolean;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
}

const page = new URL("policy.md", import.meta.url);

/** docs/policy.md, from the schema that checks policies: `npm run docs` writes it, a test compares. */
export function policyReference(): string {
  const document = schemaOf(policyDocumentSchema);
  const rule = schemaOf(ruleSchema);
  const gate = schemaOf(gateSchema);
  const own = Object.fromEntries(Object.entries(gate.properties ?? {}).filter(([name]) => !(name in (rule.properties ?? {}))));
  return `# Policy

Which gates a release passes, who decides, how long that may take and what happens then. A policy is one document in YAML or JSON;
\`countersign policy check\` tells every fault at once, with line and column. A published version never changes, and a release is
pinned to the version it started with. This page is generated from the schema that checks policies: \`npm run docs\`.

## Which policy governs a model

The definition names a risk tier and a maturity, and belongs to a team. Of the newest version of each published policy, those for
that tier, maturity and team are looked at: one that names the team goes before one that does not, then one that names the
maturity, then the newest. \`countersign policy list\` shows what is in force where; \`countersign policy test\` tells what a policy
would ask of a release, or of sample evidence (${sampleNames.map((name) => `\`${name}\``).join(", ")}), of whom, and why.

Twelve come with the product. They name the groups \`model-risk\`, \`product\` and \`platform\`:

| policy | what it asks |
|---|---|
${builtInPolicies.map(({ id, title }) => `| \`${id}\` | ${title} |`).join("\n")}

## Publishing

\`countersign policy show medium-managed --document > policy.yaml\` gives the text to begin with, \`countersign policy publish
policy.yaml\` (or \`PUT /api/policies/{policy}\`) proposes it as the next version. Admins may, and members of the policy's \`owner\`.
Groups and people that nobody knows and quorums that nobody could give are refused.

A proposal passes a gate before it is in force: the \`change\` gate of the policies in whose place it steps, which are its own
version before and whatever governs now what it would govern; of several, the strictest. Another name or another maturity therefore
goes around nothing. Who proposed it does not decide. Only where none of them has a \`change\` gate it is published at once. A newer
proposal supersedes one that waits.

## An example

\`\`\`yaml
${policyText(withoutVersion("medium-optimized"))}
\`\`\`

## Fields

${table(document)}

### A gate of a release, in \`gates\`

What every gate says (below), and:

${table({ ...gate, properties: own })}

### What every gate says

${table(rule)}

\`change\`, \`definitionChange\`, \`retirement\` and \`breakGlass\` take no \`maxAge\`, for what they ask about does not age; \`conditional\` is
for gates after \`train\` or \`evaluate\`.

### An input

${table(rule.properties?.["inputs"]?.items ?? {})}

### Conditions

A condition has one key. Each says in a sentence why it did or did not apply; a gate that is not needed is on record with it.

| condition | applies where |
|---|---|
${Object.entries(conditionProperties())
  .map(([name, { description }]) => `| \`${name}\` | ${description ?? ""} |`)
  .join("\n")}

What cannot be known yet after a gate's stage, and what can never apply, is refused: a gate that never opens would be worse than none.

## What no policy may say

- Above the lowest tier people decide: no \`machines\`, no \`onDeadline: approve\`, and at least one gate.
- One person fills one place: \`oneFromEach\` names no more groups than the quorum has approvals.
- A policy's tier is fixed; a policy for another tier needs another id.

## Loosening a definition

The definition's governed fields are those that [definition.md](definition.md) marks. A change that asks for less (a lower tier or
maturity, a softer threshold, a protected attribute left out, drift noticed later) or that has no direction (another owner, another
holdout) waits at the \`definitionChange\` gate of the policy in force, where it has one: \`<model>.definition.<k>\`. The present
definition stays in force meanwhile. A change that only tightens is in force at once. Whatever is applied next ends what waits;
applying the present definition again takes it back.

## How old an approval may become

\`revalidation\` looks at champions. The policy under which a champion was approved says what happens when its approval is too old: a
finding, or the approval is revoked and the champion before comes back by itself. A stricter policy that was published since opens a
finding and no more: publishing takes nothing out of service.
`;
}

function withoutVersion(id: string) {
  const policy = builtInPolicies.find((one) => one.id === id);
  if (!policy) throw new Error(`There is no built-in policy ${id}.`);
  const { version: _, ...document } = authoredPolicy(policy);
  return document;
}

function schemaOf(schema: z.ZodType): Node {
  // zod's JSON Schema is typed as all that one may be; the interface names what is read of it.
  return z.toJSONSchema(schema, { io: "input" }) as Node;
}

/** The schema is recursive, so that its JSON form is a reference: the shape itself tells the names. */
function conditionProperties(): Record<string, { description?: string }> {
  return Object.fromEntries(
    Object.entries(conditionSchema.shape).map(([name, schema]) => [name, { description: schema.description ?? "" }]),
  );
}

function table(node: Node): string {
  const rows = Object.entries(node.properties ?? {}).flatMap(([name, child]) => rowsOf(name, child, node.required ?? []));
  return `| field | type | needed | what it says |\n|---|---|---|---|\n${rows.join("\n")}`;
}

function rowsOf(name: string, child: Node, required: string[]): string[] {
  const about = [child.description ?? "", boundsOf(child)].filter(Boolean).join("; ");
  const own = `| \`${name}\` | ${typeOf(child)} | ${required.includes(name) ? "yes" : defaultOf(child)} | ${about} |`;
  // A rule or a condition has a table of its own.
  const inner = child.type === "object" && child.properties && !("ask" in child.properties) ? child : null;
  const item =
    child.items?.type === "object" && child.items.properties && Object.keys(child.items.properties).length < 5
      ? child.items
      : null;
  const below = inner ?? item;
  if (!below) return [own];
  const prefix = inner ? name : `${name}[]`;
  return [
    own,
    ...Object.entries(below.properties ?? {}).flatMap(([key, one]) =>
      rowsOf(
        `${prefix}.${key}`,
        one,
        (below.required ?? []).map((key) => `${prefix}.${key}`),
      ),
    ),
  ];
}

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(" or ");
  if (node.pattern?.includes("(ms|s|m|h|d|w)")) return "duration: `90s`, `36h`, `7d`";
  if (node.type === "array") return `list of ${typeOf(node.items ?? {})}`;
  if (node.type === "string") return "text";
  if (node.type === "object") {
    if (node.properties && "ask" in node.properties) return "after" in node.properties ? "gate" : "what every gate says";
    return typeof node.additionalProperties === "object" ? "names, each with bounds" : "mapping";
  }
  return node.type ?? "condition";
}

function defaultOf(node: Node): string {
  if (node.default === undefined) return "no";
  const text = JSON.stringify(node.default);
  return text === "[]" || text === "{}" ? "no" : `no: \`${text}\``;
}

function boundsOf(node: Node): string {
  const bounds = [
    node.minimum !== undefined && Math.abs(node.minimum) < Number.MAX_SAFE_INTEGER ? `from ${node.minimum}` : "",
    node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? `to ${node.maximum}` : "",
    node.maxItems === undefined ? "" : `${node.maxItems} at most`,
  ];
  return bounds.filter((bound) => bound !== "").join(" ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(page, policyReference());
