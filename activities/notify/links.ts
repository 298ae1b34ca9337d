import type { NotifyDeps } from "./deps.ts";

export function consoleLink({ links }: Pick<NotifyDeps, "links">, path: string): string {
  return `${links.publicUrl.replace(/\/$/, "")}${path}`;
}

/** Empty where no Temporal UI is known. */
export function temporalLink({ links }: Pick<NotifyDeps, "links">, workflowId: string): string {
  if (links.temporalUi === null) return "";
  const origin = links.temporalUi.replace(/\/$/, "");
  return `${origin}/namespaces/${links.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
