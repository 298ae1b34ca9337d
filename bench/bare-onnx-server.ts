import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createScorer } from "../ml/onnx/scorer.ts";
import type { Feature, FeatureColumns } from "../ml/trainers/training-data.ts";

/**
 * What the prediction server is measured against: Node's http and onnxruntime and nothing else. The
 * caller sends finished features; there is no check, no feature SQL, no identity and no record.
 * Arguments: a port, the ONNX file, the features as JSON.
 */
const [port = "0", path = "", features = "[]"] = process.argv.slice(2);
const named: Feature[] = JSON.parse(features);
const scorer = await createScorer({ bytes: await readFile(path), features: named });

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const rows: Record<string, number | string | null>[] = JSON.parse(Buffer.concat(chunks).toString("utf8")).instances;
    const columns: FeatureColumns = Object.fromEntries(
      named.map(({ name, type }) => [
        name,
        type === "float"
          ? Float32Array.from(rows, (row) => Number(row[name] ?? Number.NaN))
          : rows.map((row) => String(row[name] ?? "")),
      ]),
    );
    void scorer.score(columns).then((probabilities) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ predictions: [...probabilities].map((probability) => ({ probability })) }));
    });
  });
}).listen(Number(port), "127.0.0.1");
