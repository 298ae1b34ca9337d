import { createServer, type IncomingMessage, request as ask, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server whose answers a test writes; `asked` are the requests that came. */
export interface WebServer {
  origin: string;
  asked: IncomingMessage[];
  close(): Promise<void>;
}

export async function startWebServer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<WebServer> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Hands requests on to the store as they are, unless `trouble` answers in its place. */
export function startUnreliable(
  origin: string,
  trouble: (request: IncomingMessage, response: ServerResponse, number: number) => boolean | "cut",
): Promise<WebServer> {
  let number = 0;
  return startWebServer((request, response) => {
    number += 1;
    const verdict = trouble(request, response, number);
    if (verdict === true) return;
    const onward = ask(`${origin}${request.url ?? ""}`, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (verdict === false) return void answer.pipe(response);
      // Half of the body, then a broken connection.
      answer.once("data", (chunk: Buffer) =>
        response.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => response.destroy()),
      );
    });
    request.pipe(onward);
  });
}
