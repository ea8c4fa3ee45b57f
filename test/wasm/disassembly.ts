import wabtModule from 'wabt';

const wabt = await wabtModule();

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
  const module = wabt.readWasm(bytes, { ...features, readDebugNames: true });
  try {
    module.validate();
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** Assembles text to a module by wabt's encoder. */
export function assemble(text: string): Uint8Array {
  const module = wabt.parseWat('test.wat', text, features);
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}
