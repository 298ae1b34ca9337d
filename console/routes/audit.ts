import { Hono } from "hono";
import { auditKinds } from "../../domain/audit-events.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled } from "../forms.ts";
import { show } from "../frame.ts";
import { auditPage } from "../pages/lists.ts";

export function auditRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/audit", async (context) => {
    const caller = context.get("caller");
    const query = context.req.query();
    const given = { model: filled(query, "model"), actor: filled(query, "actor"), subject: filled(query, "subject") };
    const wanted = filled(query, "kind");
    const kind = auditKinds.find((one) => one === wanted);
    const unknownKind = wanted !== undefined && kind === undefined;
    const records = unknownKind
      ? { items: [], next: null }
      : await control.audit(caller, { limit: 100, ...given, kind, after: filled(query, "after") });
    const verification = query["verify"] === "yes" ? await control.verifyAudit(caller) : null;
    const filter = {
      model: given.model ?? null,
      actor: given.actor ?? null,
      subject: given.subject ?? null,
      kind: wanted ?? null,
    };
    return show(context, deps, {
      title: "Audit",
      here: "audit",
      content: auditPage({ records: records.items, filter, next: records.next, verification }),
    });
  });
  return app;
}
