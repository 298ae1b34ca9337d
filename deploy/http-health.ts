/** Ends with 0 when the address answers with success within 4 s: the health check of a container that has no curl. */
const address = process.argv[2];
if (address === undefined) throw new Error("node deploy/http-health.ts <address>");
const answer = await fetch(address, { signal: AbortSignal.timeout(4_000) });
await answer.body?.cancel();
if (!answer.ok) {
  process.stderr.write(`${address} answers ${answer.status}.\n`);
  process.exitCode = 1;
}
