/** How fast modules are encoded: functions like those of the translator, in batches, as bytes of code per second. */

import { FunctionBuilder } from '../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../src/wasm/module-builder.ts';
import { BlockType, Op, ValueType } from '../src/wasm/opcodes.ts';

const FunctionsPerModule = 64;
const AccessesPerFunction = 40;

/** One guest load: the TLB entry's tag is compared, a miss calls out, the value lands in a register slot. */
function writeGuestAccess(body: FunctionBuilder, i: number, address: number, value: number): void {
  body.localGet(0);
  body.load(Op.i64Load, 3, 8 * (i & 31));
  body.i64Const(i * 0x9e3779b1, i & 1);
  body.op(Op.i64Add);
  body.localTee(value);
  body.op(Op.i32WrapI64);
  body.localTee(address);
  body.i32Const(-8);
  body.op(Op.i32And);
  body.localGet(0);
  body.load(Op.i32Load, 2, 1024 + 16 * (i & 255));
  body.op(Op.i32Ne);
  body.branchHint(false);
  body.if(BlockType.void);
  body.localGet(value);
  body.call(0);
  body.localSet(address);
  body.end();
  body.localGet(0);
  body.localGet(address);
  body.load(Op.v128Load, 0, 0);
  body.v128Const(laneMask);
  body.op(Op.i8x16Add);
  body.store(Op.v128Store, 4, 256 + 16 * (i & 31));
  body.localGet(value);
  body.op(Op.i64Eqz);
  body.brIf(1);
}

const laneMask = new Uint8Array(16).fill(0x5a);

function encodeBatch(bodies: readonly FunctionBuilder[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const missType = module.type([ValueType.i64], [ValueType.i32]);
  const regionType = module.type([ValueType.i32], []);
  module.importFunction('host', 'miss', missType);
  module.importMemory('host', 'memory', { initial: 1, maximum: 65536, shared: true });
  for (const body of bodies) {
    body.reset([ValueType.i32]);
    const address = body.local(ValueType.i32);
    const value = body.local(ValueType.i64);
    body.block();
    for (let i = 0; i < AccessesPerFunction; i++) writeGuestAccess(body, i, address, value);
    body.end();
    module.function(regionType, body);
  }
  return module.encode();
}

export interface EncoderSpeed {
  readonly megabytesPerSecond: number;
  readonly functionsPerSecond: number;
  readonly bytesPerFunction: number;
}

/** Encodes modules for about `milliseconds`, after a warm-up of a fifth of that. Throws if one is not valid. */
export function measureWasmEncoder(milliseconds = 1000): EncoderSpeed {
  const bodies = Array.from({ length: FunctionsPerModule }, () => new FunctionBuilder());
  if (!WebAssembly.validate(encodeBatch(bodies))) throw new Error('the benchmark encodes an invalid module');
  const warm = performance.now() + milliseconds / 5;
  while (performance.now() < warm) encodeBatch(bodies);

  let bytes = 0;
  let modules = 0;
  const start = performance.now();
  let now = start;
  while (now - start < milliseconds) {
    bytes += encodeBatch(bodies).length;
    modules++;
    now = performance.now();
  }
  const seconds = (now - start) / 1000;
  return {
    megabytesPerSecond: bytes / seconds / 1e6,
    functionsPerSecond: (modules * FunctionsPerModule) / seconds,
    bytesPerFunction: bytes / modules / FunctionsPerModule,
  };
}

if (import.meta.main) {
  const { megabytesPerSecond, functionsPerSecond, bytesPerFunction } = measureWasmEncoder();
  console.log(
    `wasm encoder: ${megabytesPerSecond.toFixed(0)} MB/s, ${functionsPerSecond.toFixed(0)} functions/s of ${bytesPerFunction.toFixed(0)} bytes`,
  );
}
