import { Constant } from '../../src/wasm/constant-expression.ts';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { ValueType } from '../../src/wasm/opcodes.ts';
import type { Instruction } from './instructions.ts';

/**
 * A module with one function for each instruction: it pushes its parameters, which are the operands, and runs it. The
 * module has what the instructions refer to: memory, tables, a global, an imported function and passive segments.
 */
export function instructionModule(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const imported = module.importFunction('host', 'function', module.type([], []));
  module.importMemory('host', 'memory', { initial: 1, maximum: 2, shared: true });
  module.table({ element: ValueType.funcref, initial: 1 });
  module.table({ element: ValueType.externref, initial: 1 });
  module.table({ element: ValueType.funcref, initial: 1, maximum: 1 });
  module.global(ValueType.i32, true, Constant.i32(0));
  module.passiveElements([imported]);
  module.passiveData(new Uint8Array(1));
  for (const { operands, results, write } of instructions) {
    const body = new FunctionBuilder(operands);
    for (let i = 0; i < operands.length; i++) body.localGet(i);
    write(body);
    module.function(module.type(operands, results), body);
  }
  return module.encode();
}
