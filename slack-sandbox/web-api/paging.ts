import { SlackError } from "./slack-error.ts";

/** One page of a list, and the cursor of the next, as Slack's collections are read. */
export function page<Item>(items: Item[], { cursor, limit }: { cursor?: string | undefined; limit: number }) {
  const from = cursor === undefined || cursor === "" ? 0 : place(cursor);
  const rest = from + limit < items.length;
  return {
    items: items.slice(from, from + limit),
    hasMore: rest,
    response_metadata: { next_cursor: rest ? Buffer.from(`next:${from + limit}`).toString("base64") : "" },
  };
}

function place(cursor: string): number {
  const found = /^next:(\d+)$/.exec(Buffer.from(cursor, "base64").toString("utf8"));
  if (found === null) throw new SlackError("invalid_cursor");
  return Number(found[1]);
}
