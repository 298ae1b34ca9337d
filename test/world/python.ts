import { fileURLToPath } from "node:url";
import { CountersignError } from "../../domain/errors.ts";
import { createPythonEnvironments, type PythonEnvironments } from "../../ml/trainers/python-environment.ts";

const folder = fileURLToPath(new URL("../../node_modules/.cache/countersign/python", import.meta.url));

/** The trainers' Python environment, made once for all tests of a checkout (15 s, 340 MB). */
export function testPython(): PythonEnvironments {
  return createPythonEnvironments({ folder });
}

/** Whether this machine has a Python that fits; the environment is made while asking. */
export async function pythonIsThere(): Promise<boolean> {
  try {
    await testPython().prepare({ progress: () => undefined, signal: AbortSignal.timeout(300_000) });
    return true;
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== "trainer-environment") throw error;
    console.warn(`Tests of Python trainers are left out: ${error.message}`);
    return false;
  }
}
