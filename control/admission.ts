/**
 * Lets a handful of decisions a gate through at a time. The server takes ten updates in flight on
 * a workflow and fails the rest: of ten thousand at once none was accepted (measured).
 */
export interface Admission {
  /** Runs the work when it is its turn; null when its turn did not come before the deadline. */
  enter<Result>(gate: string, deadline: number, work: (waited: boolean) => Promise<Result>): Promise<Result | null>;
  /** Lets everybody through who waits: the gate is closed, and nobody goes to its workflow any more. */
  letAll(gate: string): void;
}

interface Line {
  inFlight: number;
  waiting: (() => void)[];
}

export function createAdmission({ inFlight }: { inFlight: number }): Admission {
  const lines = new Map<string, Line>();

  function leave(gate: string, line: Line): void {
    const next = line.waiting.shift();
    if (next) return next();
    line.inFlight--;
    if (line.inFlight === 0) lines.delete(gate);
  }

  /** Resolves to true when it is one's turn. The turn is handed on directly, so nobody overtakes. */
  function turn(line: Line, deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const admit = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(
        () => {
          line.waiting.splice(line.waiting.indexOf(admit), 1);
          resolve(false);
        },
        Math.max(0, deadline - Date.now()),
      );
      line.waiting.push(admit);
    });
  }

  return {
    letAll(gate) {
      const line = lines.get(gate);
      if (!line) return;
      line.inFlight += line.waiting.length;
      for (const admit of line.waiting.splice(0)) admit();
    },
    async enter(gate, deadline, work) {
      const line = lines.get(gate) ?? { inFlight: 0, waiting: [] };
      lines.set(gate, line);
      const waits = line.inFlight >= inFlight;
      if (!waits) line.inFlight++;
      else if (!(await turn(line, deadline))) return null;
      try {
        return await work(waits);
      } finally {
        leave(gate, line);
      }
    },
  };
}
