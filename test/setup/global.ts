import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import { appRole, ensureRole } from "../../db/grants.ts";
import { bundleWorkflows, type WorkflowBundle } from "../../bin/worker/workflow-bundle.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The superuser's URL, to the database `postgres`. */
    adminDatabaseUrl: string;
    /** Of the role `countersign_app`, as which the product's processes connect. */
    appPassword: string;
    /** The migrated database that `createTestDatabase` copies. */
    templateDatabase: string;
    /** host:port of the Temporal server. */
    temporalAddress: string;
    /** Or why there is none: only the tests that need it fail then. */
    workflowBundle: WorkflowBundle | { fault: string };
  }
}

const templateDatabase = "countersign_template";
const migrateFile = new URL("../../db/migrate.ts", import.meta.url);
const migrationSchema = z.object({
  migrateToLatest: z.custom<(databaseUrl: string) => Promise<unknown>>(
    (value) => typeof value === "function",
    "db/migrate.ts must export migrateToLatest(databaseUrl)",
  ),
});
const readySchema = z.object({ adminDatabaseUrl: z.string(), temporalAddress: z.string() });

/** Starts what every test file shares, once a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const bundling = bundleWorkflows().catch((error: unknown) => ({
    fault: error instanceof Error ? error.message : String(error),
  }));
  const services = await startServices();
  try {
    project.provide("adminDatabaseUrl", services.adminDatabaseUrl);
    project.provide("temporalAddress", services.temporalAddress);
    project.provide("templateDatabase", templateDatabase);
    const appPassword = randomBytes(18).toString("base64url");
    project.provide("appPassword", appPassword);
    await makeTemplate(services.adminDatabaseUrl, appPassword);
    project.provide("workflowBundle", await bundling);
  } catch (error) {
    await services.end();
    throw error;
  }
  return services.end;
}

async function startServices() {
  const child = spawn(process.execPath, [fileURLToPath(new URL("services.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const firstLine = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) =>
      reject(new Error(`PostgreSQL or Temporal for the tests did not start (exit code ${code}); the cause stands above.`)),
    );
  });
  return {
    ...readySchema.parse(JSON.parse(await firstLine)),
    async end() {
      child.stdin.end();
      await gone;
    },
  };
}

async function makeTemplate(adminDatabaseUrl: string, appPassword: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminDatabaseUrl });
  await admin.connect();
  try {
    await admin.query(`create database ${templateDatabase}`);
    await ensureRole(admin, appRole, appPassword);
  } finally {
    await admin.end();
  }
  if (!existsSync(migrateFile)) return;
  const { migrateToLatest } = migrationSchema.parse(await import(migrateFile.href));
  const url = new URL(adminDatabaseUrl);
  url.pathname = `/${templateDatabase}`;
  await migrateToLatest(url.href);
}
