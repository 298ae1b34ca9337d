import { proxySinks, type Sinks, type WorkflowInterceptors } from "@temporalio/workflow";

interface ContinuedSinks extends Sinks {
  continued: { with(args: string): void };
}

const { continued } = proxySinks<ContinuedSinks>();

/** Tells what a run hands on to the next: a replay compares commands, and not what they carry. */
export const interceptors = (): WorkflowInterceptors => ({
  inbound: [],
  outbound: [
    {
      continueAsNew(input, next) {
        continued.with(JSON.stringify(input.args));
        return next(input);
      },
    },
  ],
});
