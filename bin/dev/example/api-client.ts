import { randomUUID } from "node:crypto";
import { z } from "zod";

/** The API answered, but not what was asked for. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, problem: { code?: string | undefined; detail?: string | undefined; title?: string | undefined }) {
    super(problem.detail ?? problem.title ?? `the API answered ${status}`);
    this.name = "ApiProblem";
    this.status = status;
    this.code = problem.code ?? "internal";
  }
}

/** Nobody answered: the server is away, or starting again. */
export class ApiAwayError extends Error {}

const problemSchema = z.looseObject({
  code: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
});
/** The API itself says `pending` after 10 s. */
const timeoutMs = 20_000;
const attempts = 5;
const attemptEveryMs = 1_000;

export interface ApiClient {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  send<T>(method: "PUT" | "POST", path: string, request: { body: unknown; schema: z.ZodType<T> }): Promise<T>;
}

/** A client of the public HTTP API; commands carry a key, so that one sent again counts once. */
export function createApiClient(origin: string, token: string): ApiClient {
  async function once<T>(path: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> {
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${origin}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      text = await answer.text();
    } catch (error) {
      throw new ApiAwayError(`${origin} does not answer`, { cause: error });
    }
    const body = parseJson(text);
    if (!answer.ok) throw new ApiProblem(answer.status, problemSchema.safeParse(body).data ?? {});
    return schema.parse(body);
  }

  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  return {
    get: (path, schema) => once(path, { headers }, schema),
    async send(method, path, { body, schema }) {
      const key = randomUUID();
      const init = {
        method,
        headers: { ...headers, "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
      };
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(path, init, schema);
        } catch (error) {
          const isWorthRetry = error instanceof ApiAwayError || (error instanceof ApiProblem && error.status === 503);
          if (!isWorthRetry || attempt === attempts) throw error;
          await new Promise((resolve) => setTimeout(resolve, attemptEveryMs));
        }
      }
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
