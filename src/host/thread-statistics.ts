import type { EngineStatistics } from '../cpu/engine.ts';

/** What one physical CPU's thread counted. */
export interface ThreadStatistics extends EngineStatistics {
  /** Guest instructions run. */
  readonly instructions: number;
  /** Times translated code was left, by reason (the names of cpu/exits.ts). */
  readonly exits: Readonly<Record<string, number>>;
}
