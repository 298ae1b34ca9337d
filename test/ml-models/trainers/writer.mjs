/** Writes what its parameters say: broken bytes, a link to a file elsewhere, nothing. */
import { linkSync, symlinkSync, readFileSync, writeFileSync } from "node:fs";

const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
if (parameters.write === "broken") writeFileSync("model.onnx", "this is no protobuf");
if (parameters.write === "empty") writeFileSync("model.onnx", "");
if (parameters.write === "link") symlinkSync(parameters.target, "model.onnx");
if (parameters.write === "report") writeFileSync("result.json", "{");
if (parameters.write === "hard link") {
  writeFileSync("other.bin", "x");
  linkSync("other.bin", "model.onnx");
}
console.log(`wrote ${parameters.write}`);
