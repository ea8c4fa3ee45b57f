export const SPURIOUS = 1023;
const SHARED = 32;
const EVENTS = 31;

interface Interrupt {
  enabled: boolean;
  latched: boolean;
  line: boolean;
  active: boolean;
  edge: boolean;
  priority: number;
  /** The vCPU a shared interrupt goes to. */
  target: number;
}

/** A GIC as the manual tells it, without any state that could be derived: everything is looked up anew each time. */
export class GicModel {
  readonly #private: readonly Map<number, Interrupt>[];
  readonly #shared: ReadonlyMap<number, Interrupt>;
  readonly masks: number[];
  readonly enabled: boolean[];
  readonly split: boolean[];
  /** The priorities in service, each a level of its own. */
  readonly #running: number[][];
  forwarding = true;

  constructor(version: 2 | 3, vcpus: number, interrupts: readonly number[]) {
    const made = (software: boolean): Interrupt => ({
      enabled: software && version === 2,
      latched: false,
      line: false,
      active: false,
      edge: software,
      priority: 0,
      target: 0,
    });
    const own = interrupts.filter((interrupt) => interrupt < SHARED);
    this.#private = Array.from({ length: vcpus }, () => new Map(own.map((each) => [each, made(each < 16)])));
    this.#shared = new Map(interrupts.filter((each) => each >= SHARED).map((each) => [each, made(false)]));
    this.masks = Array.from({ length: vcpus }, () => 0xf8);
    this.enabled = Array.from({ length: vcpus }, () => true);
    this.split = Array.from({ length: vcpus }, () => false);
    this.#running = Array.from({ length: vcpus }, () => []);
  }

  of(vcpu: number, interrupt: number): Interrupt {
    const found = (interrupt < SHARED ? this.#private[vcpu] : this.#shared).get(interrupt);
    if (found === undefined) throw new Error(`the model has no interrupt ${interrupt}`);
    return found;
  }

  isPending({ latched, line, edge }: Interrupt): boolean {
    return latched || (line && !edge);
  }

  setLine(vcpu: number, interrupt: number, level: boolean): void {
    const it = this.of(vcpu, interrupt);
    if (level && !it.line && it.edge) it.latched = true;
    it.line = level;
  }

  running(vcpu: number): number {
    return Math.min(0xff, ...this.#running[vcpu]);
  }

  highest(vcpu: number): number {
    if (!this.forwarding || !this.enabled[vcpu]) return SPURIOUS;
    const limit = Math.min(this.masks[vcpu], this.running(vcpu));
    const candidates = [...this.#private[vcpu], ...[...this.#shared].filter(([, { target }]) => target === vcpu)];
    const [best] = candidates
      .filter(([, it]) => it.enabled && !it.active && this.isPending(it) && it.priority < limit)
      .sort(([a, one], [b, other]) => one.priority - other.priority || a - b);
    return best?.[0] ?? SPURIOUS;
  }

  acknowledge(vcpu: number): number {
    const interrupt = this.highest(vcpu);
    if (interrupt === SPURIOUS) return SPURIOUS;
    const it = this.of(vcpu, interrupt);
    it.latched = false;
    it.active = true;
    this.#running[vcpu].push(it.priority);
    return interrupt;
  }

  end(vcpu: number, interrupt: number, eventLine: boolean): void {
    this.#running[vcpu].pop();
    if (!this.split[vcpu]) this.deactivate(vcpu, interrupt, eventLine);
  }

  deactivate(vcpu: number, interrupt: number, eventLine: boolean): void {
    const it = this.of(vcpu, interrupt);
    it.active = false;
    if (interrupt === EVENTS) it.line = eventLine;
  }
}
