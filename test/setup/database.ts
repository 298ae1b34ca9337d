import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { appRole } from "../../db/grants.ts";

export interface TestDatabase {
  /** Connects as the role that the product's processes have, to this database alone: a grant that is missing is found. */
  url: string;
  /** Connects as the superuser, who owns the tables: for migrations, and for what an attacker with the whole database does. */
  adminUrl: string;
  name: string;
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("adminDatabaseUrl") });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A migrated database of one's own: a copy of the template, some 50 ms. One a test file, or one a test. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabaseOf(`template ${inject("templateDatabase")}`);
}

/** The same without any table, for what is itself about migrations. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabaseOf("");
}

async function createDatabaseOf(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await asAdmin(`create database ${name} ${template}`);
  const adminUrl = new URL(inject("adminDatabaseUrl"));
  adminUrl.pathname = `/${name}`;
  return {
    url: asApp(adminUrl.href),
    adminUrl: adminUrl.href,
    name,
    drop: () => asAdmin(`drop database if exists ${name} with (force)`),
  };
}

/** The same address for the role of the product's processes. */
function asApp(adminUrl: string): string {
  const url = new URL(adminUrl);
  url.username = appRole;
  url.password = inject("appPassword");
  return url.href;
}
