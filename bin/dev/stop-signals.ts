/** Aborts when somebody wants us to end: Ctrl-C, kill, a closed terminal, or the end of the process that started us. */
export function whenStopped(): AbortSignal {
  const controller = new AbortController();
  // A terminal sends Ctrl-C to npm, to bin/start.mjs and to us, and both pass it on: once is enough,
  // and a second one must not break off a clean end.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => controller.abort(name));
  process.on("disconnect", () => controller.abort("the process that started it ended"));
  return controller.signal;
}
