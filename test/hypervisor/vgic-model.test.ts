import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GicModel } from './gic-model.ts';
import { Offset, TestGic } from './test-gic.ts';

const VCPUS = 3;
const SOFTWARE = 5;
const TIMER = 27;
const EVENTS = 31;
const INTERRUPTS = [SOFTWARE, TIMER, EVENTS, 32, 63, 64, 255];

const operation = fc.record({
  kind: fc.constantFrom(
    'line',
    'line',
    'enable',
    'enable',
    'disable',
    'pend',
    'unpend',
    'activate',
    'deactivate',
    'priority',
    'edge',
    'route',
    'send',
    'send',
    'setSenders',
    'clearSenders',
    'mask',
    'binaryPoint',
    'forwarding',
    'interface',
    'split',
    'eventLine',
    'acknowledge',
    'acknowledge',
    'acknowledge',
    'end',
    'end',
  ),
  vcpu: fc.nat(VCPUS - 1),
  other: fc.nat(VCPUS - 1),
  interrupt: fc.constantFrom(...INTERRUPTS),
  priority: fc.constantFrom(0, 0x10, 0x40, 0x80, 0xa0, 0xf0, 0xf8),
  on: fc.boolean(),
  bits: fc.nat(7),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A guest that programs controller and model alike; it ends what it acknowledged, as it must, last one first. */
class Pair {
  readonly gic: TestGic;
  readonly model: GicModel;
  readonly #taken: number[][] = Array.from({ length: VCPUS }, () => []);
  readonly #ended: number[][] = Array.from({ length: VCPUS }, () => []);
  readonly #lines: number[] = Array.from({ length: VCPUS }, () => 0);
  readonly #wakes: number[] = Array.from({ length: VCPUS }, () => 0);

  constructor(version: 2 | 3) {
    this.gic = new TestGic(version, VCPUS).open();
    this.model = new GicModel(version, VCPUS, INTERRUPTS);
    for (const interrupt of INTERRUPTS.filter((each) => each >= 32)) this.gic.route(interrupt, 0);
  }

  do({ kind, vcpu, other, interrupt, priority, on, bits }: Operation): void {
    const { gic, model } = this;
    const it = model.of(vcpu, interrupt);
    switch (kind) {
      case 'line':
        // Software interrupts have no line.
        if (interrupt === SOFTWARE) return;
        gic.setLine(interrupt, on, vcpu);
        model.setLine(vcpu, interrupt, on);
        break;
      case 'enable':
        gic.setBit(Offset.setEnable, interrupt, vcpu);
        it.enabled = true;
        break;
      case 'disable':
        gic.setBit(Offset.clearEnable, interrupt, vcpu);
        it.enabled = false;
        break;
      case 'pend':
        gic.setBit(Offset.setPending, interrupt, vcpu);
        if (interrupt !== SOFTWARE || gic.version === 3) it.latched = true;
        break;
      case 'unpend':
        gic.setBit(Offset.clearPending, interrupt, vcpu);
        it.latched = false;
        break;
      case 'activate':
        gic.setBit(Offset.setActive, interrupt, vcpu);
        it.active = true;
        break;
      case 'deactivate':
        gic.setBit(Offset.clearActive, interrupt, vcpu);
        model.deactivate(vcpu, interrupt, gic.eventLines[vcpu]);
        break;
      case 'priority':
        gic.setPriority(interrupt, priority, vcpu);
        it.priority = priority;
        break;
      case 'edge':
        if (interrupt === SOFTWARE) return;
        gic.setEdge(interrupt, on, vcpu);
        it.edge = on;
        break;
      case 'route':
        if (interrupt < 32) return;
        gic.route(interrupt, other);
        it.target = other;
        break;
      case 'send':
        gic.send(vcpu, SOFTWARE, 1 << other);
        model.send(vcpu, other, SOFTWARE);
        break;
      case 'setSenders':
      case 'clearSenders': {
        if (gic.version === 3) return;
        const set = kind === 'setSenders';
        gic.writeDistributor((set ? 0xf20 : 0xf10) + SOFTWARE, 1 << other, vcpu, 1);
        const { senders } = model.of(vcpu, SOFTWARE);
        if (set) senders.add(other);
        else senders.delete(other);
        break;
      }
      case 'mask':
        gic.write(vcpu, 'mask', priority);
        model.masks[vcpu] = priority;
        break;
      case 'binaryPoint':
        this.#setBinaryPoint(vcpu, bits, on);
        break;
      case 'forwarding':
        gic.writeDistributor(0, on ? 3 : 0);
        model.forwarding = on;
        break;
      case 'interface':
        gic.enable(vcpu, on);
        model.enabled[vcpu] = on;
        break;
      case 'split':
        gic.splitEnd(vcpu, on);
        model.split[vcpu] = on;
        break;
      case 'eventLine':
        gic.eventLines[vcpu] = on;
        break;
      case 'acknowledge': {
        const taken = model.acknowledge(vcpu);
        assert.equal(gic.read(vcpu, 'acknowledge'), taken);
        if (taken !== 1023) this.#taken[vcpu].push(taken & 1023);
        break;
      }
      case 'end':
        this.#end(vcpu);
        break;
    }
    this.#check(kind);
  }

  /** One of a GICv3's two registers, which group priorities differently; a GICv2 has one that counts. */
  #setBinaryPoint(vcpu: number, bits: number, common: boolean): void {
    const { gic, model } = this;
    const first = gic.version === 2 || common;
    if (gic.version === 3) gic.commonBinaryPoint(vcpu, common);
    gic.write(vcpu, first ? 'binaryPoint0' : 'binaryPoint1', bits);
    model.subpriorityBits[vcpu] = first ? Math.max(bits, 2) + 1 : Math.max(bits, 3);
  }

  /** Ends what was acknowledged last; with nothing left to end, deactivates what was ended only. */
  #end(vcpu: number): void {
    const { gic, model } = this;
    const last = this.#taken[vcpu].pop();
    const eventLine = gic.eventLines[vcpu];
    if (last !== undefined) {
      gic.write(vcpu, 'end', last);
      model.end(vcpu, last, eventLine);
      if (model.split[vcpu]) this.#ended[vcpu].push(last);
      return;
    }
    const ended = this.#ended[vcpu].pop();
    if (ended === undefined) return;
    gic.write(vcpu, 'deactivate', ended);
    model.deactivate(vcpu, ended, eventLine);
  }

  #check(after: string): void {
    const { gic, model } = this;
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      const line = model.highest(vcpu) === 1023 ? 0 : 1;
      if (line > this.#lines[vcpu]) this.#wakes[vcpu]++;
      this.#lines[vcpu] = line;
      assert.equal(gic.line(vcpu), line, `the line of vCPU ${vcpu} after ${after}`);
      assert.equal(gic.wakes[vcpu], this.#wakes[vcpu], `how often vCPU ${vcpu} was woken after ${after}`);
      assert.equal(gic.read(vcpu, 'running'), model.running(vcpu));
      assert.equal(gic.read(vcpu, 'highest'), model.named(vcpu, model.pending(vcpu)), `what waits after ${after}`);
    }
  }

  checkRegisters(): void {
    const { gic, model } = this;
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      for (const interrupt of INTERRUPTS) {
        const it = model.of(vcpu, interrupt);
        assert.equal(gic.bit(Offset.setEnable, interrupt, vcpu), Number(it.enabled));
        assert.equal(gic.bit(Offset.setActive, interrupt, vcpu), Number(it.active));
        assert.equal(
          gic.bit(Offset.clearPending, interrupt, vcpu),
          Number(model.isPending(it)),
          `pending ${interrupt}`,
        );
      }
    }
  }
}

for (const version of [2, 3] as const) {
  test(`GICv${version} against a model: lines, wakes, acknowledged interrupts and registers`, () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 80, size: 'max' }), (operations) => {
        const pair = new Pair(version);
        for (const one of operations) pair.do(one);
        pair.checkRegisters();
      }),
      { numRuns: 400 },
    );
  });
}
