import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import { Handler, RECORD_HANDLER, RECORD_SIZE } from '../code-page.ts';
import type { Decoder, HandlerDescription } from '../decoder.ts';
import type { Builder } from '../ir/builder.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { AGAIN, OutOfLineBuilder } from './cold-builder.ts';
import { declareImports, IMPORT_MODULE, type ImportIndices } from './imports.ts';

/**
 * The cold tier's handlers outside the main loop: functions in a table, made when they are first needed. Of some 3,100, a
 * guest that boots needs a few hundred.
 */

const { i32, i64 } = ValueType;

export interface ColdHandlersOptions {
  readonly memory: MachineMemory;
  readonly decoder: Decoder;
  /** Architecture.epilogue. */
  readonly epilogue: (o: Builder) => void;
}

/** Names of what modules of the cold tier import beside the common imports. */
const HANDLERS = 'handlers';
const ABSENT = 'absent';

/** Records that are looked through for more handlers to make, when one is absent. */
const RECORDS_AHEAD = 64;

/** What all threads' modules call handlers by: their type and table. */
export interface HandlerImports {
  readonly type: number;
  readonly table: number;
}

/** Declares a module's imports of the table, after the common ones. */
export const declareHandlers = (module: ModuleBuilder, decoder: Decoder): HandlerImports => {
  const size = tableSize(decoder);
  return {
    type: module.type([i32, i32, i64], [i32]),
    table: module.importTable(IMPORT_MODULE, HANDLERS, { element: ValueType.funcref, initial: size, maximum: size }),
  };
};

const tableSize = ({ handlers, withEpilogue, firstOutOfLine }: Decoder): number =>
  handlers.length + withEpilogue.length - firstOutOfLine;

/** A function to stand for every handler that is not made yet: has it made, and the record's instruction run again. */
const encodeAbsent = (): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const make = module.importFunction(IMPORT_MODULE, ABSENT, module.type([i32], []));
  const code = new FunctionBuilder([i32, i32, i64]);
  code.localGet(1);
  code.call(make);
  code.i32Const(AGAIN);
  module.exportFunction(ABSENT, module.function(module.type([i32, i32, i64], [i32]), code));
  return module.encode();
};

/** One thread's table of handlers. */
export class ColdHandlers {
  /** What modules of the cold tier import: the common imports and the table. */
  readonly imports: WebAssembly.Imports;
  readonly #options: ColdHandlersOptions;
  /** 1 for each handler's number that the table has. */
  readonly #made: Uint8Array;

  constructor(options: ColdHandlersOptions, imports: WebAssembly.Imports) {
    this.#options = options;
    const size = tableSize(options.decoder);
    this.#made = new Uint8Array(options.decoder.firstOutOfLine + size);
    const absent = new WebAssembly.Instance(new WebAssembly.Module(encodeAbsent()), {
      [IMPORT_MODULE]: { [ABSENT]: (record: number) => this.#make(record >>> 0) },
    }).exports[ABSENT];
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: size, maximum: size }, absent);
    this.imports = { [IMPORT_MODULE]: { ...imports[IMPORT_MODULE], [HANDLERS]: table } };
  }

  /** Makes the handlers of a record, and of those that follow it in its page. */
  #make(record: number): void {
    const { memory, decoder } = this.#options;
    const wanted: number[] = [];
    for (let i = 0; i < RECORDS_AHEAD; i++) {
      // Another thread may change the record at any time.
      const handler = memory.u16[(record + i * RECORD_SIZE + RECORD_HANDLER) >>> 1] as number;
      if (handler === Handler.pageEnd) break;
      if (handler < decoder.firstOutOfLine || this.#made[handler] !== 0) continue;
      this.#made[handler] = 1;
      wanted.push(handler);
    }
    if (wanted.length === 0) return;
    new WebAssembly.Instance(new WebAssembly.Module(this.#encode(wanted)), this.imports);
  }

  /** A module that puts some handlers into the table. */
  #encode(wanted: readonly number[]): Uint8Array<ArrayBuffer> {
    const { memory, decoder } = this.#options;
    const { handlers, withEpilogue, firstOutOfLine } = decoder;
    const module = new ModuleBuilder();
    const imports = declareImports(module, memory.size / 65536);
    const { type, table } = declareHandlers(module, decoder);
    let epilogue = -1;
    for (const number of wanted) {
      const ends = number >= handlers.length;
      const base = ends ? (withEpilogue[number - handlers.length] as number) : number;
      let made = addHandler(module, imports, type, handlers[base] as HandlerDescription);
      if (ends) {
        if (epilogue < 0) epilogue = this.#addEpilogue(module, imports, type);
        made = addSequence(module, type, made, epilogue);
      }
      module.activeElements(table, number - firstOutOfLine, [made]);
    }
    return module.encode();
  }

  #addEpilogue(module: ModuleBuilder, imports: ImportIndices, type: number): number {
    const code = new FunctionBuilder([i32, i32, i64]);
    new OutOfLineBuilder(code, imports).describeEpilogue(this.#options.epilogue);
    code.unreachable();
    return module.function(type, code);
  }
}

const addHandler = (
  module: ModuleBuilder,
  imports: ImportIndices,
  type: number,
  handler: HandlerDescription,
): number => {
  const code = new FunctionBuilder([i32, i32, i64]);
  new OutOfLineBuilder(code, imports).describe(handler);
  code.unreachable();
  const made = module.function(type, code);
  module.nameFunction(made, `cold tier ${handler.entry.name}`);
  return made;
};

/** Adds the form of a handler that the epilogue follows. */
const addSequence = (module: ModuleBuilder, type: number, handler: number, epilogue: number): number => {
  const code = new FunctionBuilder([i32, i32, i64]);
  for (const argument of [0, 1, 2]) code.localGet(argument);
  code.call(handler);
  for (const argument of [0, 1, 2]) code.localGet(argument);
  code.call(epilogue);
  code.drop();
  return module.function(type, code);
};
