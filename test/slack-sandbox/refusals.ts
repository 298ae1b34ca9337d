/** What the client throws for `ok: false`. */
export async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await call;
  } catch (error) {
    return (error as { data: Record<string, unknown> }).data;
  }
  throw new Error("Slack took it.");
}
/** The name of the error alone. */
export const errorOf = async (call: Promise<unknown>) => (await refusal(call))["error"];
