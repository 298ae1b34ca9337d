import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { definitionSchema } from "../domain/definition-schema.ts";
import { defaultModelLimitBytes } from "../ml/onnx/model-bytes.ts";

/** The part of JSON Schema that zod gives for definitions. */
interface Node {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: string[];
  const?: unknown;
  properties?: Record<string, Node>;
  required?: string[];
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  governed?: boolean;
}

interface Row {
  path: string;
  type: string;
  needed: string;
  about: string;
}

const page = new URL("definition.md", import.meta.url);
const example = new URL("../examples/flight-delays/model.yaml", import.meta.url);

/** docs/definition.md, from the schema that checks definitions: `npm run docs` writes it, a test compares. */
export async function definitionReference(): Promise<string> {
  // zod's JSON Schema is typed as all that one may be; the interface names what is read of it.
  const schema = z.toJSONSchema(definitionSchema, { io: "input" }) as Node;
  const rows = rowsOf(schema, "", false);
  const limitMiB = defaultModelLimitBytes / 2 ** 20;
  const table = rows.map(({ path, type, needed, about }) => `| \`${path}\` | ${type} | ${needed} | ${about} |`).join("\n");
  return `# Definition

What a team writes about a model: one file in YAML or JSON, checked before anything starts (\`countersign check model.yaml\` tells
every fault at once, with line and column). This page is generated from the schema that checks it: \`npm run docs\`.

## An example

\`\`\`yaml
${(await readFile(example, "utf8")).trimEnd()}
\`\`\`

## Fields

*Governed* fields decide who is asked and what counts as good.

| field | type | needed | what it says |
|---|---|---|---|
${table}

## Rules between fields

- Features see the columns of \`features.request\` and the lookups, and nothing else: neither the label's column nor any other of
  the examples. Their SQL is one SELECT; it cannot read files, reach the network or change settings.
- \`split.by: time\` needs \`time\` at the source that \`data.rows\` names.
- A file that is named (\`{ file: features.sql }\`) lies beside the definition or below it.
- In a definition whose \`files\` say \`{month}\`, a \`window\` says which months.

## What a model may be

A trainer ends in one ONNX file of ${limitMiB} MiB at most, tensors included: none lies beside it. It takes one input of the shape
\`[rows, 1]\` for each feature, by the feature's name, and gives a float tensor \`probabilities\` of the shape \`[rows, 2]\` (of several classes \`[rows, classes]\`, of a
number \`value\` of the shape \`[rows, 1]\`); [trainers.md](trainers.md) has the whole contract.
Operators are those of ai.onnx and ai.onnx.ml, without functions of its own and without loops, whose time depends on the data. It
is loaded in a process of its own before anything trusts it.
`;
}

function rowsOf(node: Node, path: string, governed: boolean): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const childPath = path === "" ? name : `${path}.${name}`;
    const isGoverned = governed || child.governed === true;
    const needed = node.required?.includes(name) === true;
    const inner = innerOf(child, childPath, isGoverned);
    const own: Row = {
      path: childPath,
      type: typeOf(child),
      needed: needed ? "yes" : defaultOf(child),
      about: [child.description, boundsOf(child), isGoverned && !governed ? "*governed*" : ""].filter(Boolean).join("; "),
    };
    return [own, ...inner];
  });
}

function innerOf(child: Node, path: string, governed: boolean): Row[] {
  if (child.properties) return rowsOf(child, path, governed);
  if (typeof child.additionalProperties === "object") return rowsOf(child.additionalProperties, `${path}.<name>`, governed);
  return [];
}

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.anyOf) return node.anyOf.map(typeOf).join(" or ");
  if (node.type === "array") return `list of ${typeOf(node.items ?? {})}`;
  if (Array.isArray(node.type)) return node.type.map((type) => typeOf({ type })).join(" or ");
  if (node.type !== "object") return node.type === "string" ? "text" : (node.type ?? "any");
  if (node.properties?.["file"] && Object.keys(node.properties).length === 1) return "`{ file: … }`";
  return typeof node.additionalProperties === "object" && !node.properties
    ? `names, each ${typeOf(node.additionalProperties)}`
    : "object";
}

function defaultOf(node: Node): string {
  if (node.default === undefined || typeof node.default === "object") return "no";
  return `no: \`${JSON.stringify(node.default)}\``;
}

function boundsOf(node: Node): string {
  const bounds = [
    node.minimum !== undefined && Math.abs(node.minimum) < Number.MAX_SAFE_INTEGER ? `from ${node.minimum}` : "",
    node.exclusiveMinimum === undefined ? "" : `above ${node.exclusiveMinimum}`,
    node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? `to ${node.maximum}` : "",
    node.exclusiveMaximum === undefined ? "" : `below ${node.exclusiveMaximum}`,
    node.maxItems === undefined ? "" : `${node.maxItems} at most`,
  ];
  return bounds.filter((bound) => bound !== "").join(" ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(page, await definitionReference());
