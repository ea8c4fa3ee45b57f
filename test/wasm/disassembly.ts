import wabtModule from 'wabt';

const wabt = await wabtModule();

/** The type that the package declares for `validate` lacks the parameter that enables features. */
type Validate = (this: unknown, options: typeof features) => void;

/** Everything wabt can read that the encoder can write. */
const features = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  relaxed_simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  code_metadata: true,
  annotations: true,
} as const;

/** Checks a module with wabt's own validator and returns its text form. Throws, with wabt's message, if it is invalid. */
export function disassemble(bytes: Uint8Array): string {
  // wabt reads the whole buffer behind a view, so it gets one of its own.
  const module = wabt.readWasm(new Uint8Array(bytes), { ...features, readDebugNames: true });
  try {
    (module.validate as Validate).call(module, features);
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** Assembles text to a module by wabt's encoder. */
export function assemble(text: string): Uint8Array {
  const module = wabt.parseWat('test.wat', text, features);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
