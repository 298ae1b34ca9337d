import { condition, defineUpdate, proxyActivities, setHandler } from "@temporalio/workflow";

/** The least that Temporal can do between a person's yes and the next step: one update, one activity. */
export const goUpdate = defineUpdate<void>("go");

const { act } = proxyActivities<{ act(): Promise<void> }>({ startToCloseTimeout: "10s" });

export async function bare(): Promise<void> {
  let go = false;
  setHandler(goUpdate, () => void (go = true));
  await condition(() => go);
  await act();
}
