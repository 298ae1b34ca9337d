import { createProgram, runCommandLine } from "../../../cli/program.ts";
import type { GateView } from "../../../domain/http/gate-views.ts";
import type { Site } from "../../console/site.ts";
import type { Attempt, GateSurface } from "../surface.ts";
import { receiptIn } from "./api.ts";

/** The command line, run in this process with the words that a person types. */
export function createCliSurface(site: Pick<Site, "home">): GateSurface {
  async function run(who: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const said = { out: "", err: "" };
    const code = await runCommandLine([...words, "--as", who, "--json"], {
      output: { out: (text) => (said.out += `${text}\n`), err: (text) => (said.err += `${text}\n`), colour: false },
      env: { COUNTERSIGN_HOME: site.home },
      cwd: process.cwd(),
      signal: AbortSignal.timeout(60_000),
    });
    return { code, ...said };
  }
  const reply = ({ code, out, err }: { code: number; out: string; err: string }) => ({
    receipt: receiptIn(out),
    refused: code !== 0,
    text: `exit ${code} ${out} ${err}`,
  });
  const words = ({ gate, digest, decision, reason, inputs = {} }: Attempt) => [
    decision,
    gate,
    "--digest",
    digest,
    ...(reason === undefined ? [] : ["--reason", reason]),
    ...Object.entries(inputs).flatMap(([name, value]) => ["--input", `${name}=${String(value)}`]),
  ];
  return {
    name: "CLI",
    can: {
      withdraw: knows("withdraw-decision"),
      escalate: knows("escalate"),
      inputs: true,
      key: false,
      follows: false,
    },
    crowd: 20,
    decide: async (who, attempt) => reply(await run(who, ...words(attempt))),
    withdraw: async (who, { gate, reason }) => reply(await run(who, "withdraw-decision", gate, "--reason", reason)),
    async read(who, gate) {
      const { code, out } = await run(who, "show", gate);
      if (code !== 0) return null;
      // `show --json` prints the API's own answer.
      const { state, resolution, you } = JSON.parse(out) as GateView;
      return { state, resolution, offers: state !== "closed" && you.mayDecide, text: out };
    },
    async lookAround(who, gate) {
      await run(who, "show", gate);
      await run(who, "inbox");
      await run(who, "approve", "--help");
      await run(who, "approve");
    },
    async malformed(who, gate, digest) {
      const lines = [
        ["approve", gate, "--digest", "what-i-saw"],
        ["approve", gate, "--digest", digest, "--input", "share=1"],
        ["approve", gate, "--perhaps"],
        ["request-changes", gate, "--digest", digest, "--reason", "more data", "--return-to", "nowhere"],
        ["request-changes", gate, "--digest", digest, "--reason", "more data", "--set", "surprise=1"],
        ["reject", gate, "--digest", digest],
      ];
      const replies = [];
      for (const line of lines) replies.push(reply(await run(who, ...line)));
      return replies;
    },
  };
}

function knows(name: string): boolean {
  const silent = { out: () => {}, err: () => {}, colour: false };
  const program = createProgram({ output: silent, env: {}, cwd: "/", exit: () => {}, signal: AbortSignal.abort() });
  return program.commands.some((command) => command.name() === name);
}
