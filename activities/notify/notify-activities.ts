import type { NotifyActivities } from "../contract.ts";
import { deliverMessage } from "./deliver-message.ts";
import type { NotifyDeps } from "./deps.ts";
import { planMessages } from "./plan-messages.ts";

export function createNotifyActivities(deps: NotifyDeps): NotifyActivities {
  return {
    planMessages: () => planMessages(deps),
    deliverMessage: (input) => deliverMessage(deps, input),
  };
}
