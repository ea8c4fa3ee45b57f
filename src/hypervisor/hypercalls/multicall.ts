import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { MulticallEntry } from '../abi/shared-info.ts';
import type { Core } from '../core.ts';
import { Call } from './call.ts';
import { type Hypercall, readParameter } from './handler.ts';

/** multicall: a list of hypercalls done in turn, each with its result put into its entry. */

/** Entries done before the guest gets a chance to take interrupts. */
const ENTRIES_AT_ONCE = 16;
const RESULT_BYTES = 8;
const ARGUMENT_WORDS = 10;

/** The entry's own call, and its result or changed entry while it is copied out: multicalls do not nest. */
const inner = new Call();
const entry = new Uint8Array(MulticallEntry.size);
const entryView = new DataView(entry.buffer);

/** Loads the inner call from the parameter; gives its number. */
const loadEntry = (core: Core, call: Call): number => {
  entry.set(core.parameter.bytes.subarray(0, MulticallEntry.size));
  inner.vcpu = call.vcpu;
  inner.domain = call.domain;
  inner.state = call.state;
  inner.again = false;
  inner.reschedule = false;
  inner.nested = true;
  for (let i = 0; i < ARGUMENT_WORDS; i++) {
    inner.words[i] = entryView.getUint32(MulticallEntry.args + i * 4, true);
  }
  const high = entryView.getUint32(MulticallEntry.op + 4, true);
  return high === 0 ? entryView.getUint32(MulticallEntry.op, true) : -1;
};

/** Puts the result, or what is left to do, back into the guest's entry. */
const storeEntry = (core: Core, call: Call, result: number): boolean => {
  if (!inner.again) {
    entryView.setUint32(MulticallEntry.result, result >>> 0, true);
    entryView.setUint32(MulticallEntry.result + 4, Math.floor(result / 0x1_0000_0000) >>> 0, true);
    return copyOut(core, call, MulticallEntry.result, RESULT_BYTES);
  }
  for (let i = 0; i < ARGUMENT_WORDS; i++) {
    entryView.setUint32(MulticallEntry.args + i * 4, inner.words[i], true);
  }
  return copyOut(core, call, MulticallEntry.args, ARGUMENT_WORDS * 4);
};

const copyOut = (core: Core, call: Call, offset: number, size: number): boolean => {
  const low = call.low(0) + offset;
  const high = call.high(0) + (low >= 0x1_0000_0000 ? 1 : 0);
  return core.guest.copyTo(call.state, low | 0, high | 0, entry, offset, size);
};

const run = (core: Core, call: Call, find: FindHypercall): number => {
  if (call.nested) return -Errno.EINVAL;
  const count = call.low(1);
  for (let done = 0; done < count; done++) {
    if (done === ENTRIES_AT_ONCE || call.reschedule) return goOn(call, count - done);
    if (!readParameter(core, call, 0, MulticallEntry.size)) return -Errno.EFAULT;
    const number = loadEntry(core, call);
    const result = find(number)?.handler(core, inner) ?? -Errno.ENOSYS;
    call.reschedule ||= inner.reschedule;
    if (!storeEntry(core, call, result)) return -Errno.EFAULT;
    if (inner.again) return goOn(call, count - done);
    call.advance(0, MulticallEntry.size);
  }
  return 0;
};

/** Asks to be called again for the entries that are left. */
const goOn = (call: Call, left: number): number => {
  call.set(1, left);
  call.again = true;
  return 0;
};

export type FindHypercall = (number: number) => Hypercall | undefined;

/** The multicall over a table of hypercalls. */
export const multicallOf = (find: FindHypercall): Hypercall => ({
  number: HypercallNumber.multicall,
  name: 'multicall',
  arguments: 2,
  handler: (core, call) => run(core, call, find),
});
