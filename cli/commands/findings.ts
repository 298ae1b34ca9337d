import type { Command } from "commander";
import type { FindingView } from "../../domain/http/gate-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { connect, segment, wantsJson, type Context } from "../context.ts";
import { clock, table } from "../output.ts";

export function addFindingCommands(program: Command, context: Context): void {
  program
    .command("findings")
    .description("what somebody must answer about a model, open ones first")
    .argument("<model>")
    .action(async (model: string, _: object, command: Command) => {
      const api = await connect(command, context);
      const page = await api.get<Page<FindingView>>(`/api/models/${segment(model)}/findings`);
      context.output.out(wantsJson(command) ? JSON.stringify(page, null, 2) : rowsOf(page.items, model, context));
    });
}

function rowsOf(findings: FindingView[], model: string, { output }: Context): string {
  if (findings.length === 0) return `Nothing about ${model} waits for an answer.`;
  return table(
    output,
    findings.map((one) => [
      one.id,
      one.kind,
      one.closedAt === null ? "open" : `closed by ${one.closedBy ?? "?"}: ${one.closing ?? ""}`,
      clock(one.openedAt),
      one.title,
    ]),
    [],
  );
}
