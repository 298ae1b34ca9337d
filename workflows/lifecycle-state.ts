import type { RecalledModel, StartedBy } from "../activities/contract.ts";
import { releaseId, type Digest, type ModelName, type ReleaseId } from "../domain/ids.ts";
import { admitRequest } from "../domain/lifecycle.ts";
import { hasParameters } from "../domain/release-parameters.ts";
import type { CommandOf } from "../domain/signed-command.ts";

export interface Slotted {
  release: ReleaseId;
  definition: Digest | null;
  hasParameters: boolean;
}

/** Work that the main loop does one after another. */
export type Work =
  | { kind: "create"; release: ReleaseId; startedBy: StartedBy; startNow: boolean }
  | { kind: "fold"; release: ReleaseId; command: CommandOf<"request-release"> }
  | { kind: "start"; release: ReleaseId }
  | { kind: "ended"; release: ReleaseId };

/** What a lifecycle carries from one run to the next: times absolute, sizes bounded. */
export interface Carried {
  nextNumber: number;
  definition: Digest | null;
  active: Slotted | null;
  queued: Slotted | null;
  /** The last command ids with their answers; Temporal's update ids do not survive continue-as-new. */
  answered: { id: string; release: ReleaseId; folded: boolean }[];
}

const mostAnswered = 200;

/** The memory of one model's life: which release is active, which waits, what has been answered. */
export class LifecycleState {
  readonly model: ModelName;
  carried: Carried;
  work: Work[] = [];

  constructor(model: ModelName, carried: Carried) {
    this.model = model;
    this.carried = carried;
  }

  /** `before`: what an earlier run carried, of which the answers given are nowhere else. */
  static recalled(model: ModelName, found: RecalledModel, before?: Carried): LifecycleState {
    return new LifecycleState(model, {
      nextNumber: Math.max(found.nextNumber, before?.nextNumber ?? 0),
      definition: found.definition,
      active: found.active,
      queued: found.queued,
      answered: before?.answered ?? [],
    });
  }

  /** Answers a request for a release at once, and queues what follows from it. */
  request(command: CommandOf<"request-release">): { release: ReleaseId; folded: boolean } {
    const before = this.carried.answered.find((one) => one.id === command.id);
    if (before) return { release: before.release, folded: before.folded };
    const answer = this.admit(command);
    this.carried.answered = [...this.carried.answered, { id: command.id, ...answer }].slice(-mostAnswered);
    return answer;
  }

  /** A request was folded into a release of whose end this life had not heard yet: what it leads to now. */
  admitAnew(command: CommandOf<"request-release">): void {
    this.carried.answered = this.carried.answered.filter((one) => one.id !== command.id);
    this.request(command);
  }

  /** Starts the successor of a release whose reviewers asked for changes, unless one is active already. */
  succeed(parent: NonNullable<StartedBy["parent"]>): void {
    const release = this.allot();
    const startNow = this.carried.active === null;
    const slotted: Slotted = { release, definition: this.carried.definition, hasParameters: true };
    if (startNow) this.carried.active = slotted;
    else this.carried.queued ??= slotted;
    this.work.push({ kind: "create", release, startedBy: { command: null, parent }, startNow });
  }

  /** A release is gone (ended, or never came to be): the queued one follows. */
  clear(release: ReleaseId): void {
    if (this.carried.queued?.release === release) this.carried.queued = null;
    if (this.carried.active?.release === release) this.carried.active = null;
    this.promoteQueued();
  }

  /** The queued release becomes the active one, when there is none. */
  promoteQueued(): void {
    const { active, queued } = this.carried;
    if (active !== null || queued === null) return;
    this.carried.active = { ...queued, definition: this.carried.definition };
    this.carried.queued = null;
    this.work.push({ kind: "start", release: queued.release });
  }

  private admit(command: CommandOf<"request-release">): { release: ReleaseId; folded: boolean } {
    const { active, queued, definition } = this.carried;
    const changed = hasParameters(command.body.parameters);
    const intake = admitRequest(
      {
        activeDefinition: active && (active.definition ?? ""),
        activeHasParameters: active?.hasParameters ?? false,
        queuedDefinition: queued && (queued.definition ?? ""),
      },
      { definition: definition ?? "", hasParameters: changed },
    );
    if (intake.kind === "fold") {
      const into = intake.into === "active" ? active : queued;
      if (into) {
        this.work.push({ kind: "fold", release: into.release, command });
        return { release: into.release, folded: true };
      }
    }
    const release = this.allot();
    const slotted: Slotted = { release, definition, hasParameters: changed };
    if (intake.kind === "start") this.carried.active = slotted;
    else this.carried.queued = slotted;
    this.work.push({
      kind: "create",
      release,
      startedBy: { command, parent: null },
      startNow: intake.kind === "start",
    });
    return { release, folded: false };
  }

  private allot(): ReleaseId {
    return releaseId(this.model, this.carried.nextNumber++);
  }
}
