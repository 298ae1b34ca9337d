import { join, resolve } from "node:path";
import { createPythonEnvironments } from "../ml/trainers/python-environment.ts";
import { readConfig } from "./config.ts";

/** Makes the Python environment of the trainers beforehand: for an image, or for a machine that will have no way to a registry. */
const config = readConfig(process.env, []);
const python = createPythonEnvironments({
  folder: resolve(config.COUNTERSIGN_PYTHON_ENVIRONMENTS ?? join(config.COUNTERSIGN_HOME, "python")),
  python: config.COUNTERSIGN_PYTHON,
});
const made = await python.prepare({
  progress: (now) => process.stdout.write(`${now}\n`),
  signal: new AbortController().signal,
});
process.stdout.write(`${made.python}\n`);
