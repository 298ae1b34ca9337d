import type { ControlContext } from "./deps.ts";

/** A use case: what it works with first, then what it was asked. */
type UseCase = (context: ControlContext, ...asked: never[]) => unknown;
type Bound<Case> = Case extends (context: ControlContext, ...asked: infer Asked) => infer Answer
  ? (...asked: Asked) => Answer
  : never;

/** The same functions without their first parameter: what surfaces call. */
export function bindAll<Cases extends Record<string, UseCase>>(
  context: ControlContext,
  cases: Cases,
): { [Name in keyof Cases]: Bound<Cases[Name]> } {
  const bound = Object.entries(cases).map(([name, useCase]) => [name, (...asked: never[]) => useCase(context, ...asked)]);
  // The same names, and each function as it was with its context given.
  return Object.fromEntries(bound) as { [Name in keyof Cases]: Bound<Cases[Name]> };
}
