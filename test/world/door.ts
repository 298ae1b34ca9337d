export interface Caller {
  post<B>(p: string, b: unknown): Promise<{ status: number; body: B }>;
  put<B>(p: string, b: unknown): Promise<{ status: number; body: B }>;
  get<B>(p: string): Promise<{ status: number; body: B }>;
}
import { createControl } from "../../control/control.ts";
import { createSigner } from "../../control/signing.ts";
import { sql } from "kysely";
export async function createDoor(deps: any) {
  const people: any = {
    ada: [["ml-engineering"], ["engineer"]],
    ben: [["ml-engineering"], ["engineer"]],
    grace: [["model-risk"], ["viewer"]],
    george: [["model-risk"], ["viewer"]],
    pia: [["product"], ["viewer"]],
    olga: [["platform"], ["operator", "admin", "break-glass"]],
  };
  for (const [id, [groups, roles]] of Object.entries<any>(people)) {
    await sql`insert into principals(id, kind, display_name, roles) values (${id}, 'person', ${id}, ${sql.raw(`ARRAY['${roles.join("','")}']`)})`.execute(
      deps.db,
    );
    for (const g of groups) {
      await sql`insert into groups(id) values (${g}) on conflict do nothing`.execute(deps.db);
      await sql`insert into group_members(group_id, principal_id) values (${g}, ${id})`.execute(deps.db);
    }
  }
  const control = createControl({
    db: deps.db,
    temporal: deps.client,
    store: deps.store,
    signer: createSigner({ privateKeyPem: deps.keys.privateKey }),
  });
  const as = (id: string): Caller => {
    const caller: any = {
      principal: { id, kind: "person", displayName: id, groups: people[id][0], roles: people[id][1] },
      surface: "api",
      token: { id: "t", kind: "api", scopes: [] },
    };
    const run = async (f: () => Promise<any>) => {
      try {
        const v = await f();
        return v && v.status && v.body !== undefined && typeof v.body === "string"
          ? { status: v.status, body: JSON.parse(v.body) }
          : { status: 200, body: v };
      } catch (e: any) {
        return { status: e.code === "not-found" ? 404 : 499, body: { code: e.code, detail: e.message, faults: e.faults } as any };
      }
    };
    let m: any;
    return {
      put: (p, b) =>
        run(() =>
          control.applyDefinition(caller, p.split("/")[3]!, {
            text: JSON.stringify(b),
            format: "json",
            key: null,
            ifMatch: null,
          }),
        ),
      post: (p, b) =>
        run(() => {
          const [, , kind, id, what] = p.split("/");
          const sent = { body: b, key: null };
          if (kind === "models" && what === "releases") return control.requestRelease(caller, id!, sent);
          if (kind === "models" && what === "rollback") return control.rollback(caller, id!, sent);
          if (kind === "gates") return control.decide(caller, id!, sent);
          if (what === "unblock") return control.unblock(caller, id!, sent);
          if (what === "withdraw") return control.withdraw(caller, id!, sent);
          throw new Error(p);
        }),
      get: (p) =>
        run(() => {
          const [, , kind, id] = p.split("/");
          if (kind === "models") return control.model(caller, id!);
          if (kind === "releases") return control.release(caller, id!);
          if (kind === "gates") return control.gate(caller, id!);
          if (kind === "versions") return control.version(caller, id!);
          if (kind === "audit") return control.verifyAudit(caller);
          throw new Error(p);
        }),
    };
  };
  return { app: null, as, stop: async () => {} };
}
