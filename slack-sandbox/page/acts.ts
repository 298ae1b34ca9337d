import { z } from "zod";
import type { Handle } from "../handle.ts";

const given = z.union([z.string(), z.array(z.string()), z.number(), z.null()]);
const used = {
  as: z.string(),
  actionId: z.string(),
  blockId: z.string(),
  selected: given.optional(),
  values: z.record(z.string(), given).default({}),
};

/** What a person can do on the page; each is the function of the same name that tests use. */
const actSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("message"), channel: z.string(), ts: z.string(), ...used }),
  z.object({ do: z.literal("home"), ...used }),
  z.object({ do: z.literal("view"), ...used }),
  z.object({ do: z.literal("submit"), as: z.string(), values: z.record(z.string(), given) }),
  z.object({ do: z.literal("close"), as: z.string() }),
  z.object({ do: z.literal("open-home"), as: z.string() }),
  z.object({
    do: z.literal("say"),
    as: z.string(),
    channel: z.string(),
    text: z.string().min(1).max(12_000),
    threadTs: z.string().optional(),
  }),
]);

type Act = z.infer<typeof actSchema>;

/**
 * Does it as that person.
 * @throws Error with what cannot be done, for her
 */
export async function perform(handle: Handle, body: unknown): Promise<void> {
  const parsed = actSchema.safeParse(body);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  await act(handle, parsed.data);
}

function act(handle: Handle, what: Act): Promise<unknown> {
  switch (what.do) {
    case "message":
      return handle.click({ ...what, ...chosen(what) });
    case "home":
      return handle.clickHome({ ...what, ...chosen(what) });
    case "view":
      return handle.clickView({ ...what, ...chosen(what) });
    case "submit":
      return handle.submitView(what);
    case "close":
      return handle.closeView(what);
    case "open-home":
      return handle.openHome(what);
    case "say":
      return write(handle, what);
  }
}

/** A button has no choice; absent is not the same as none. */
function chosen({ selected }: { selected?: z.infer<typeof given> | undefined }): { selected: z.infer<typeof given> | null } {
  return { selected: selected ?? null };
}

/** A slash at the beginning is a command. */
function write(handle: Handle, what: Extract<Act, { do: "say" }>): Promise<unknown> {
  const { as, channel, text, threadTs } = what;
  const typed = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  if (typed !== null) return handle.command({ as, channel, command: typed[1] ?? "", text: (typed[2] ?? "").trim() });
  return handle.say({ as, channel, text, ...(threadTs === undefined ? {} : { threadTs }) });
}
